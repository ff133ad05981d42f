// A sender: oauth4webapi with DPoP, and the ways in which a thief departs from it.
// Every script prints one line of JSON for each attempt; what it should have come
// to is known to the test that runs it.
import { readFile } from 'node:fs/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importPKCS8 } from 'jose';
import * as oauth from 'oauth4webapi';
import { required } from './site.mjs';

const issuer = new URL(required('SITE_ISSUER'));
export const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));

const credential = JSON.parse(await readFile(required('SITE_CREDENTIAL'), 'utf8'));
const key = await importPKCS8(credential.private_key, credential.algorithm, { extractable: true });
const kid = await calculateJwkThumbprint(await exportJWK(key));
const authenticate = oauth.PrivateKeyJwt({ key, kid });
export const client = { client_id: credential.client_id };

export const newKeys = () => generateKeyPair('ES256', { extractable: true });

// sender makes the handle that proves one pair of keys. With change it is one
// that departs from the rules.
export const sender = (keys, change) => oauth.DPoP(client, keys, change && { [oauth.modifyAssertion]: change });

// nonces are the last ones, by origin.
export const nonces = new Map();

async function send(url, options) {
  const response = await fetch(url, options);
  const nonce = response.headers.get('dpop-nonce');
  if (nonce) nonces.set(new URL(url).origin, nonce);
  return response;
}

// through is the way to the network past somebody who looks at what is sent, or
// changes it, or answers in its place.
const through = (look) => ({ [oauth.customFetch]: async (url, options) => (await look?.(options)) ?? send(url, options) });

// ask asks the token endpoint once.
export function ask(resource, DPoP, look) {
  const parameters = new URLSearchParams({ scope: 'post', resource });
  return oauth.clientCredentialsGrantRequest(as, client, authenticate, parameters, { DPoP, ...through(look) });
}

// mint asks as a client does: again, when a nonce is demanded.
export async function mint(resource, DPoP, look) {
  try {
    return await oauth.processClientCredentialsResponse(as, client, await ask(resource, DPoP, look));
  } catch (err) {
    if (!oauth.isDPoPNonceError(err)) throw err;
    return oauth.processClientCredentialsResponse(as, client, await ask(resource, DPoP, look));
  }
}

// use shows a token at a door once.
export async function use(door, token, DPoP, { method = 'GET', path = '/accounts/7', look } = {}) {
  try {
    return await oauth.protectedResourceRequest(token, method, new URL(path, door), undefined, undefined, { DPoP, ...through(look) });
  } catch (err) {
    if (err instanceof oauth.WWWAuthenticateChallengeError) return Object.assign(err.response, { refusal: err });
    throw err;
  }
}

// hold makes a proof as use would send it, and keeps it back.
export async function hold(door, token, DPoP, request = {}) {
  let proof;
  const look = (options) => {
    proof = options.headers.dpop;
    return new Response(null, { status: 204 });
  };
  await use(door, token, DPoP, { ...request, look });
  return proof;
}

// bare is a request in which nothing is made by the library.
export const bare = (door, { method = 'GET', path = '/accounts/7', authorization, proof }) =>
  send(new URL(path, door).href, { method, headers: { authorization, ...(proof && { dpop: proof }) } });

// tell prints what an attempt came to.
export async function tell(step, at, response) {
  const body = response.status === 204 ? {} : await response.json();
  const { error = '', decision = '' } = body;
  const { status, headers } = response;
  const challenge = headers.get('www-authenticate') ?? '';
  console.log(JSON.stringify({ step, at, status, error, decision, challenge, nonce: headers.has('dpop-nonce') }));
  return response;
}
