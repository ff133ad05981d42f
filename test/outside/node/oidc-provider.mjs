// oidc-provider as a foreign authorization server: one client that proves itself
// with a key, two resources, JWT access tokens. Prints "ready" when it serves.
import { createServer } from 'node:http';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { required } from './site.mjs';

const issuer = required('FOREIGN_ISSUER');
const resources = required('FOREIGN_RESOURCES').split(' ');
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const key = await exportJWK(privateKey);

function getResourceServerInfo(_ctx, resource) {
  if (!resources.includes(resource)) throw new errors.InvalidTarget();
  return { scope: 'charge', audience: resource, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
}

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: await calculateJwkThumbprint(key) }] },
  clients: [
    {
      client_id: required('FOREIGN_CLIENT'),
      token_endpoint_auth_method: 'private_key_jwt',
      id_token_signed_response_alg: 'ES256', // asked for although this client gets no ID token
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: JSON.parse(required('FOREIGN_CLIENT_JWKS')),
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo },
  },
});

const server = createServer(provider.callback());
process.on('SIGINT', () => {
  server.closeAllConnections();
  server.close();
});
server.listen(new URL(issuer).port, '127.0.0.1', () => console.log('ready'));
