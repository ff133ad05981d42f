// Reads the status of tokens as a resource server does that follows status lists:
// @sd-jwt/jwt-status-list for the lists, jose for signatures, keys from the
// issuer. What to read and what to wait for comes as JSON on standard input; it
// prints what every place says of every token, and fails when that is not as told
// after as long as it was told to wait.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list';
import { check } from './site.mjs';

const told = JSON.parse(readFileSync(0, 'utf8'));
const keys = createRemoteJWKSet(new URL(told.jwks));
const type = 'application/statuslist+jwt';

async function get(address, accept) {
  const answer = await fetch(address, { headers: { Accept: accept }, redirect: 'error' });
  if (answer.status !== 200) throw new Error(`${address}: status ${answer.status}`);
  return { text: await answer.text(), type: answer.headers.get('content-type') };
}

// read verifies a list (signature, typ, sub, times) and opens it.
async function read(text, uri) {
  const required = ['iat', 'exp', 'ttl'];
  const { payload } = await jwtVerify(text, keys, { typ: 'statuslist+jwt', subject: uri, requiredClaims: required });
  if (payload.ttl !== told.ttl) throw new Error(`ttl is ${payload.ttl}`);
  return getListFromStatusListJWT(text);
}

// place is where a token's status stands, by the token's own claim.
async function place(token) {
  const { payload } = await jwtVerify(token, keys, { issuer: told.issuer, typ: 'at+jwt' });
  return payload.status && getStatusListFromJWT(token);
}

// visit reads every list that a site names, and says what they say of the tokens.
async function visit(site) {
  const named = JSON.parse((await get(site.index, 'application/json')).text).status_lists;
  const lists = new Map();
  for (const uri of named) {
    const answer = await get(uri.replace(told.base, site.from), type);
    if (site.type && answer.type !== type) throw new Error(`${uri} comes as ${answer.type}`);
    lists.set(uri, { text: answer.text, list: await read(answer.text, uri) });
  }
  const says = {};
  for (const [name, { idx, uri } = {}] of places) {
    says[name] = uri === undefined ? 'no place' : (lists.get(uri)?.list.getStatus(idx) ?? 'not named');
  }
  return { says, lists };
}

const line = (site, says) => `${site.name}: ${told.tokens.map((t) => `${t.name} ${says[t.name]}`).join(', ')}`;
const asTold = (says) => told.tokens.every((t) => says[t.name] === t.want);

const places = new Map();
for (const token of told.tokens) places.set(token.name, await place(token.text));
const until = Date.now() + 1000 * told.wait;
let lists;
for (const site of told.sites) {
  let seen = { says: {} };
  let problem;
  for (;;) {
    try {
      seen = await visit(site);
      problem = undefined;
    } catch (err) {
      problem = err; // a directory may be empty yet
    }
    if ((!problem && asTold(seen.says)) || Date.now() > until) break;
    await pause(50);
  }
  if (problem) throw problem;
  console.log(line(site, seen.says));
  lists = seen.lists;
}

// What an attacker between a site and the reader would put there.
async function refusal(text, uri) {
  try {
    await read(text, uri);
  } catch (err) {
    return `${err.code} ${err.claim ?? ''}`.trim();
  }
  return 'none';
}

const [[one, { text }], [other] = []] = lists;
const stranger = await generateKeyPair('ES256');
const forged = await new SignJWT(decodeJwt(text)).setProtectedHeader(decodeProtectedHeader(text)).sign(stranger.privateKey);
check('the list', (await refusal(text, one)) === 'none');
check('a list of another key', (await refusal(forged, one)) === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
check('a list of another address', (await refusal(text, other ?? `${one}x`)) === 'ERR_JWT_CLAIM_VALIDATION_FAILED sub');
check('a token for a list', (await refusal(told.tokens[0].text, one)) === 'ERR_JWT_CLAIM_VALIDATION_FAILED typ');
