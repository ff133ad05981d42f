// DPoP at the token endpoint (RFC 9449 section 5), nonces demanded.
import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, createRemoteJWKSet, exportJWK, jwtVerify } from 'jose';
import { forgeries } from './forgeries.mjs';
import { as, ask, mint, newKeys, nonces, sender, tell } from './sender.mjs';
import { check, required } from './site.mjs';

const ledger = required('SITE_LEDGER');
const stock = required('SITE_STOCK');
const origin = new URL(as.token_endpoint).origin;
const keys = await newKeys();
const mine = sender(keys);

// The library's own way: refused for want of a nonce, then served.
await tell('no nonce', 'issuer', await ask(ledger, mine));
const answer = await mint(ledger, sender(keys));
check('token_type', answer.token_type === 'dpop' && answer.resource[0] === ledger);

// jose reads the token by itself: it is bound to this key, and to no other.
const set = createRemoteJWKSet(new URL(as.jwks_uri));
const { payload } = await jwtVerify(answer.access_token, set, { issuer: as.issuer, audience: ledger, typ: 'at+jwt' });
check('cnf.jkt', Object.keys(payload.cnf).join() === 'jkt' && payload.cnf.jkt === (await calculateJwkThumbprint(await exportJWK(keys.publicKey))));
const plain = await mint(ledger);
check('no proof, no cnf', plain.token_type === 'bearer' && (await jwtVerify(plain.access_token, set)).payload.cnf === undefined);

// attempt is a refusal with its control: the same request done right.
async function attempt(step, resource, DPoP, look) {
  await tell(step, 'issuer', await ask(resource, DPoP, look));
  await mint(resource, mine);
}

const departing = (change) =>
  sender(keys, (header, claims) => {
    claims.nonce = nonces.get(origin);
    change(claims, header);
  });
const departures = {
  'another method': (claims) => (claims.htm = 'GET'),
  'another address': (claims) => (claims.htu = as.jwks_uri),
  'the address of a guard': (claims) => (claims.htu = new URL('/token', required('SITE_LEDGER_GUARD')).href),
  'too old': (claims) => (claims.iat -= 600),
  'too new': (claims) => (claims.iat += 600),
  'no id': (claims) => delete claims.jti,
  'a critical header': (_, header) => Object.assign(header, { crit: ['exp'] }),
  'a nonce of a guard': (claims) => (claims.nonce = required('SITE_YOUNG_NONCE')),
};
for (const [step, change] of Object.entries(departures)) await attempt(step, ledger, departing(change));

const swap = (proof) => (options) => void (options.headers.dpop = proof);
const claims = () => ({ htm: 'POST', htu: as.token_endpoint, jti: randomUUID(), iat: Math.floor(Date.now() / 1000), nonce: nonces.get(origin) });
for (const [step, proof] of Object.entries(await forgeries(keys, claims))) await attempt(step, ledger, mine, swap(proof));

let sent;
await mint(ledger, mine, (options) => void (sent = options.headers.dpop));
await attempt('replayed', ledger, mine, swap(sent));
await attempt('two proofs', ledger, mine, (options) => void (options.headers.dpop += `, ${sent}`));
await attempt('none where one is demanded', stock);
