// DPoP at two guards (RFC 9449 section 7): ledger demands nonces, stock does not.
// Every attempt has a token of its own, and is followed by its control: the same
// token shown by its sender.
import { randomUUID, createHash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { forgeries } from './forgeries.mjs';
import { bare, hold, mint, newKeys, nonces, sender, tell, use } from './sender.mjs';
import { check, required } from './site.mjs';

const audience = { ledger: required('SITE_LEDGER'), stock: required('SITE_STOCK') };
const door = { ledger: required('SITE_LEDGER_GUARD'), stock: required('SITE_STOCK_GUARD') };
const keys = await newKeys();
const stranger = await newKeys();
const mine = sender(keys);
const token = async (resource = 'ledger') => (await mint(audience[resource], mine)).access_token;

// open shows a token as its sender does, and must be let in.
async function open(held, at = 'ledger') {
  let response = await use(door[at], held, mine);
  if (oauth.isDPoPNonceError(response.refusal)) response = await use(door[at], held, mine);
  await tell('let in', at, response);
}

async function attempt(step, act, at = 'ledger') {
  const held = await token();
  await tell(step, at, await act(held));
  await open(held);
}

// The library's own way: a nonce is demanded once, and kept.
const first = await token();
const demand = await tell('no nonce', 'ledger', await use(door.ledger, first, mine));
check('isDPoPNonceError', oauth.isDPoPNonceError(demand.refusal));
await open(first);
await tell('let in', 'ledger', await use(door.ledger, first, mine, { path: '/accounts/7?amount=1' }));
await tell('let in', 'ledger', await use(door.ledger, first, mine, { method: 'POST', path: '/accounts/%37/entries' }));
await open(await token('stock'), 'stock');

const departing = (who, change) =>
  sender(who, (header, claims) => {
    claims.nonce = nonces.get(door.ledger);
    change?.(claims, header);
  });
const departures = {
  'an old nonce': (claims) => (claims.nonce = required('SITE_OLD_NONCE')),
  'a nonce of the issuer': (claims) => (claims.nonce = nonces.get(required('SITE_ISSUER'))),
  'a nonce of nobody': (claims) => (claims.nonce = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
  'no hash of a token': (claims) => delete claims.ath,
  'too old': (claims) => (claims.iat -= 600),
};
for (const [step, change] of Object.entries(departures)) await attempt(step, (held) => use(door.ledger, held, departing(keys, change)));

const renewed = await use(door.ledger, await token(), departing(keys, (claims) => (claims.nonce = required('SITE_YOUNG_NONCE'))));
await tell('let in', 'ledger', renewed);
check('a nonce past half its life is replaced', renewed.headers.has('dpop-nonce'));

// A thief with a key of his own.
await attempt('stolen token, another key', (held) => use(door.ledger, held, departing(stranger)));
await attempt('stolen token, another key, no nonce', (held) => use(door.ledger, held, sender(stranger)));

// A thief who has token and proof as they were sent, or were about to be.
const dpop = (held) => `DPoP ${held}`;
await attempt('replayed', async (held) => {
  let sent;
  await tell('let in', 'ledger', await use(door.ledger, held, mine, { look: (options) => void (sent = options.headers.dpop) }));
  return bare(door.ledger, { authorization: dpop(held), proof: sent });
});
await attempt('stolen proof, another method', async (held) =>
  bare(door.ledger, { method: 'DELETE', authorization: dpop(held), proof: await hold(door.ledger, held, mine) }));
await attempt('stolen proof, another path', async (held) =>
  bare(door.ledger, { path: '/accounts/8', authorization: dpop(held), proof: await hold(door.ledger, held, mine) }));
await attempt('proof for another guard', async (held) =>
  bare(door.ledger, { authorization: dpop(held), proof: await hold(door.stock, held, departing(keys)) }));
await attempt('proof for another token', async (held) =>
  bare(door.ledger, { authorization: dpop(held), proof: await hold(door.ledger, await token(), mine) }));
await attempt('two proofs', async (held) =>
  bare(door.ledger, { authorization: dpop(held), proof: `${await hold(door.ledger, held, mine)}, ${await hold(door.ledger, held, mine)}` }));
await attempt('no proof', (held) => bare(door.ledger, { authorization: dpop(held) }));

// Downgrades.
await attempt('bound token as Bearer', (held) => use(door.ledger, held));
await attempt('bound token as Bearer, with its proof', async (held) =>
  bare(door.ledger, { authorization: `Bearer ${held}`, proof: await hold(door.ledger, held, mine) }));
const plain = (await mint(audience.ledger)).access_token;
await attempt('bearer token', () => use(door.ledger, plain));
await attempt('bearer token, with a proof', () => use(door.ledger, plain, mine));

// Another resource.
await attempt('another resource', (held) => use(door.stock, held, mine), 'stock');
await attempt('another resource, another key', (held) => use(door.stock, held, sender(stranger)), 'stock');
await attempt('another resource, as Bearer', (held) => use(door.stock, held), 'stock');

const claims = (held) => () => ({
  htm: 'GET', htu: `${door.ledger}/accounts/7`, jti: randomUUID(), iat: Math.floor(Date.now() / 1000),
  nonce: nonces.get(door.ledger), ath: createHash('sha256').update(held).digest('base64url'),
});
for (const step of Object.keys(await forgeries(keys, claims('')))) {
  await attempt(step, async (held) => bare(door.ledger, { authorization: dpop(held), proof: (await forgeries(keys, claims(held)))[step] }));
}
