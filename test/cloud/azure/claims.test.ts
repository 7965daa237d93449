import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { claimsFrom } from '../../../cloud/azure/claims.ts';

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';

test('claims are found in each of the spellings that Entra uses', () => {
  assert.equal(claimsFrom(`Needs more. &claims=${encodeURIComponent(CLAIMS)}`), CLAIMS);
  assert.equal(claimsFrom(`Needs more. &claims=${encodeURIComponent(CLAIMS)}&other=1`), CLAIMS);
  assert.equal(claimsFrom(`claims=${CLAIMS}`), CLAIMS);
  assert.equal(claimsFrom(`claims=${Buffer.from(CLAIMS).toString('base64')}`), CLAIMS);
});

test('anything else has no claims, and nothing throws', () => {
  for (const text of ['', 'claims=', 'claims=%7Bnot', 'claims={', 'no claims here']) assert.equal(claimsFrom(text), undefined, text);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const claims = claimsFrom(`claims=${text}`);
      if (claims !== undefined) JSON.parse(claims);
    }),
  );
});
