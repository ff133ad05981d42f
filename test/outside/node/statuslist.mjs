// Reads status lists with @sd-jwt/jwt-status-list and checks their signatures
// with jose. What to read and what to find comes as JSON on standard input.
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { StatusList, getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list';
import { check } from './site.mjs';

const told = JSON.parse(readFileSync(0, 'utf8'));
const keys = createLocalJWKSet(told.keys);

async function get(address, accept) {
  const answer = await fetch(address, { headers: { Accept: accept }, redirect: 'error' });
  if (answer.status !== 200) throw new Error(`${address}: status ${answer.status}`);
  return answer.text();
}

// finds compares every place of a list: those that are told, and zero elsewhere.
function finds(list, places, values) {
  if (list.statusList.length !== places) return false;
  return list.statusList.every((value, index) => value === (values[index] ?? 0));
}

// sites are where the same lists are to be had.
for (const site of told.sites) {
  const named = JSON.parse(await get(site.index, 'application/json')).status_lists;
  check(`${site.name}: aggregation`, JSON.stringify(named.toSorted()) === JSON.stringify(told.lists.map((l) => l.uri).toSorted()));
  for (const wanted of told.lists) {
    const text = await get(wanted.uri.replace(told.base, site.from), 'application/statuslist+jwt');
    const { payload } = await jwtVerify(text, keys, { typ: 'statuslist+jwt', subject: wanted.uri, requiredClaims: ['iat', 'exp', 'ttl'] });
    const list = getListFromStatusListJWT(text);
    check(`${site.name}: ${wanted.bits} bits`, payload.status_list.bits === wanted.bits && finds(list, wanted.places, wanted.values));
  }
}
for (const vector of told.vectors) {
  check(`vector of ${vector.bits} bits`, finds(StatusList.decompressStatusList(vector.lst, vector.bits), 1 << 20, vector.values));
}
const { idx, uri } = getStatusListFromJWT(told.token);
check('referenced token', idx === told.idx && uri === told.lists[0].uri);
