// oauth4webapi as a client (discovery, private_key_jwt, RFC 8707) and as a
// resource server (RFC 9068).
import { readFile } from 'node:fs/promises';
import { importPKCS8 } from 'jose';
import * as oauth from 'oauth4webapi';
import { check, site } from './site.mjs';

const loopback = { [oauth.allowInsecureRequests]: site.issuer.startsWith('http://') };

const issuer = new URL(site.issuer);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...loopback });
const as = await oauth.processDiscoveryResponse(issuer, discovered);
check('discovery', as.issuer === site.issuer && as.jwks_uri === site.jwks);

const client = { client_id: site.clientId };
const key = await importPKCS8(await readFile(site.keyFile, 'utf8'), site.keyAlgorithm);
const authenticate = () => oauth.PrivateKeyJwt({ key, kid: site.keyId });

async function ask(resource) {
  const parameters = new URLSearchParams({ scope: site.scope });
  for (const one of resource) parameters.append('resource', one);
  const response = await oauth.clientCredentialsGrantRequest(as, client, authenticate(), parameters, loopback);
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function refusal(resource) {
  try {
    await ask(resource);
  } catch (err) {
    if (err instanceof oauth.ResponseBodyError) return err.error;
    throw err;
  }
  return 'none';
}

const answer = await ask([site.resource]);
check('private_key_jwt', answer.token_type === 'bearer' && answer.expires_in > 0);

const request = (url) => new Request(url, { headers: { authorization: `Bearer ${answer.access_token}` } });
const claims = await oauth.validateJwtAccessToken(as, request(site.resource), site.resource, loopback);
check('own audience', claims.aud === site.resource && claims.client_id === site.clientId && claims.scope === site.scope);

let refused = false;
try {
  await oauth.validateJwtAccessToken(as, request(site.foreign), site.foreign, loopback);
} catch (err) {
  refused = /aud/.test(err.message) || /aud/.test(err.cause?.message ?? '') || err.cause?.claim === 'aud';
}
check('foreign audience refused', refused);

check('unknown resource', (await refusal(['https://nowhere.example.test'])) === 'invalid_target');
check('no resource', (await refusal([])) === 'invalid_target');
check('two resources', (await refusal([site.resource, site.foreign])) === 'invalid_target');
