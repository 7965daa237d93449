import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { endName, startName, uuid5 } from '../../../cloud/azure/request-name.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';

const grant = randomUUID() as GrantId;

test('it is the version 5 of RFC 9562', () => {
  assert.equal(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test('a grant starts under one name for ever', () => {
  assert.equal(startName(grant), startName(grant));
  assert.notEqual(startName(grant), startName(randomUUID() as GrantId));
});

test('a release sent again at once is the same request, and a later one is new', () => {
  const at = 1_000 * MINUTE;
  assert.equal(endName(grant, at), endName(grant, at + MINUTE - 1));
  assert.notEqual(endName(grant, at), endName(grant, at + MINUTE));
  assert.notEqual(endName(grant, at), startName(grant));
});
