// jose as a resource server: the key set is fetched, the audience is required.
// The token comes on standard input.
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { check, theSite } from './site.mjs';

const site = theSite();
const token = await text(process.stdin);
const keys = createRemoteJWKSet(new URL(site.jwks));
const options = { issuer: site.issuer, typ: 'at+jwt', requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'] };

const { payload } = await jwtVerify(token, keys, { ...options, audience: site.resource });
check('own audience', payload.aud === site.resource && payload.iss === site.issuer);

let claim = 'none';
try {
  await jwtVerify(token, keys, { ...options, audience: site.foreign });
} catch (err) {
  if (err.code !== 'ERR_JWT_CLAIM_VALIDATION_FAILED') throw err;
  claim = err.claim;
}
check('foreign audience refused', claim === 'aud');

const spoiled = token.slice(0, -8) + (token.at(-8) === 'A' ? 'B' : 'A') + token.slice(-7);
let code = 'none';
try {
  await jwtVerify(spoiled, keys, { ...options, audience: site.resource });
} catch (err) {
  code = err.code;
}
check('forged token refused', code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
