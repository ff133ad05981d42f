// jose as a resource server that demands the certificate a token is bound to (RFC
// 8705 section 3.1). The token comes on standard input.
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { check, required } from './site.mjs';

const keys = createRemoteJWKSet(new URL(required('SITE_JWKS')));
const options = { issuer: required('SITE_ISSUER'), audience: required('SITE_RESOURCE'), typ: 'at+jwt' };
const { payload } = await jwtVerify(await text(process.stdin), keys, options);

async function fits(file) {
  const { raw } = new X509Certificate(await readFile(required(file)));
  return payload.cnf['x5t#S256'] === createHash('sha256').update(raw).digest('base64url');
}

check('own certificate', Object.keys(payload.cnf).join() === 'x5t#S256' && (await fits('SITE_CERTIFICATE')));
check('another certificate refused', !(await fits('SITE_OTHER_CERTIFICATE')));
