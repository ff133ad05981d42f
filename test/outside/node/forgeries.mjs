// Proofs that no library makes, by hand.
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const sign = (header, claims, key) => new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', ...header }).sign(key);

// forgeries are proofs with the right claims. keys are those of the real sender.
export async function forgeries(keys, claims) {
  const jwk = await exportJWK(keys.publicKey);
  const large = await generateKeyPair('ES512', { extractable: true });
  const secret = Buffer.from(JSON.stringify(jwk)); // whoever takes the public key for a secret accepts it
  return {
    unsigned: `${encode({ typ: 'dpop+jwt', alg: 'none', jwk })}.${encode(claims())}.`,
    'symmetric, with the public key as secret': await sign({ alg: 'HS256', jwk }, claims(), secret),
    'symmetric, with its secret inside': await sign({ alg: 'HS256', jwk: { kty: 'oct', k: encode('0123456789abcdef0123456789abcdef') } }, claims(), Buffer.from('0123456789abcdef0123456789abcdef')),
    'an algorithm that is not offered': await sign({ alg: 'ES512', jwk: await exportJWK(large.publicKey) }, claims(), large.privateKey),
    'with the private key inside': await sign({ alg: 'ES256', jwk: await exportJWK(keys.privateKey) }, claims(), keys.privateKey),
    'without a key': await sign({ alg: 'ES256' }, claims(), keys.privateKey),
    'of another type': await sign({ alg: 'ES256', typ: 'JWT', jwk }, claims(), keys.privateKey),
    'signed by somebody else': await sign({ alg: 'ES256', jwk }, claims(), (await generateKeyPair('ES256')).privateKey),
  };
}
