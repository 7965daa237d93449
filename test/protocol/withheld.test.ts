import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutCredentials } from '../../protocol/withheld.ts';

const part = fc.uint8Array({ minLength: 12, maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const jwt = fc
  .tuple(fc.dictionary(fc.string(), fc.string()), part, part)
  .map(
    ([claims, body, signature]) => `${Buffer.from(JSON.stringify({ alg: 'ES256', ...claims })).toString('base64url')}.${body}.${signature}`,
  );
const words = fc.stringMatching(/^[a-z ]{0,30}$/);

test('no part of a token is left, whatever stands around it', () => {
  fc.assert(
    fc.property(words, words, jwt, fc.constantFrom('Bearer ', 'bearer ', '"', '=', ': ', '(', ''), (before, after, token, lead) => {
      const left = withoutCredentials(`${before} ${lead}${token} ${after}`);
      for (const piece of token.split('.')) assert.ok(!left.includes(piece), left);
    }),
  );
});

test('opaque secrets go where their name or scheme stands before them', () => {
  const secret = '0.AXkA7fJ2c9QpLw3x8Zr';
  for (const text of [
    `authorization: Bearer ${secret}`,
    `Authorization: Basic dXNlcjpwYXNzd29yZDE=, and more`,
    `grant_type=refresh_token&refresh_token=${secret}&scope=x`,
    `{"access_token":"${secret}","expires_in":1}`,
    `client_secret = '${secret}'`,
  ]) {
    const left = withoutCredentials(text);
    assert.ok(!left.includes(secret) && !left.includes('dXNlcjpwYXNz'), left);
    assert.match(left, /…/);
  }
});

test('what people need to read stays', () => {
  for (const text of [
    'The client has no authorization to perform action Microsoft.Network/loadBalancers/write over scope /subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590',
    'AADSTS70008: The provided authorization code or refresh token has expired. Trace ID: 4f2b6f1e-0d0a-4a42-9be7-2f1b8c0e7d00',
    'The bearer token is not accepted; use bearer authentication',
    'Run: az login --claims-challenge eyJhY2Nlc3NfdG9rZW4iOnt9fQ== --scope https://management.azure.com/.default',
  ])
    assert.equal(withoutCredentials(text), text);
});
