// oauth4webapi as a client (discovery, private_key_jwt, RFC 8707) and as a
// resource server (RFC 9068).
import { readFile } from 'node:fs/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importPKCS8 } from 'jose';
import * as oauth from 'oauth4webapi';
import { check, theSite } from './site.mjs';

const site = theSite();
const loopback = { [oauth.allowInsecureRequests]: site.issuer.startsWith('http://') };

const issuer = new URL(site.issuer);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...loopback });
const as = await oauth.processDiscoveryResponse(issuer, discovered);
check('discovery', as.issuer === site.issuer && as.jwks_uri === site.jwks);

// The credential file of narrowcast: a key in PKCS #8, whose id is its thumbprint.
const credential = JSON.parse(await readFile(site.credential, 'utf8'));
const key = await importPKCS8(credential.private_key, credential.algorithm, { extractable: true });
const kid = await calculateJwkThumbprint(await exportJWK(key));
const client = { client_id: credential.client_id };

async function ask(resource, prove = key) {
  const parameters = new URLSearchParams({ scope: site.scope });
  for (const one of resource) parameters.append('resource', one);
  const authenticate = oauth.PrivateKeyJwt({ key: prove, kid });
  const response = await oauth.clientCredentialsGrantRequest(as, client, authenticate, parameters, loopback);
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function refusal(resource, prove) {
  try {
    await ask(resource, prove);
  } catch (err) {
    if (err instanceof oauth.ResponseBodyError) return err.error;
    if (err instanceof oauth.WWWAuthenticateChallengeError) return (await err.response.json()).error;
    throw err;
  }
  return 'none';
}

const answer = await ask([site.resource]);
check('private_key_jwt', answer.token_type === 'bearer' && answer.expires_in > 0);
check('resource confirmed', answer.resource.length === 1 && answer.resource[0] === site.resource);

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
check('not a caller', (await refusal([site.closed])) === 'invalid_target');

const stranger = await generateKeyPair('ES256');
check('foreign key', (await refusal([site.resource], stranger.privateKey)) === 'invalid_client');
