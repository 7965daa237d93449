import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { expiryOf, mayOpen, renewalIn } from '../../../extension/sign-in/token.ts';
import { HOUR, LONGEST_TIMER, MINUTE } from '../../../protocol/clock.ts';
import { NOON } from '../../daemon/cli/estate.ts';

const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

describe('a token', () => {
  it('ends when it says', () => assert.equal(expiryOf(token({ exp: 1_800_000_000 }), NOON), 1_800_000_000_000));

  it('that does not say, or is none, is taken for a short one', () => {
    for (const text of ['', 'x', 'a.b.c', token({}), token({ exp: 'soon' }), token({ exp: -1 }), token(null)])
      assert.equal(expiryOf(text, NOON), NOON + 1_800_000, text);
    fc.assert(fc.property(fc.string(), (text) => assert.ok(Number.isFinite(expiryOf(text, NOON)))));
  });

  it('is renewed five minutes before it ends, every minute after that, and within the longest timer', () => {
    assert.equal(renewalIn(NOON + HOUR, NOON), 55 * MINUTE);
    for (const left of [6 * MINUTE, 5 * MINUTE, MINUTE, 0, -HOUR]) assert.equal(renewalIn(NOON + left, NOON), MINUTE);
    assert.equal(renewalIn(NOON + 90 * 24 * HOUR, NOON), LONGEST_TIMER);
  });
});

describe('a sign-in page', () => {
  it('is opened over TLS, or on this machine', () => {
    for (const address of ['https://login.example.test/authorize?x=1', 'http://127.0.0.1:4000/', 'http://localhost:1/', 'http://[::1]:1/'])
      assert.equal(mayOpen(address), true, address);
  });

  it('is not opened anywhere else', () => {
    const others = [
      'http://login.example.test',
      'http://127.0.0.1.evil.test',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'vscode://x',
      'command:portcullis.revokeAll',
      'https://a@evil.test',
      '',
      'login',
      'ftp://x',
    ];
    for (const address of others) assert.equal(mayOpen(address), false, address);
  });
});
