import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { bytesOfHex, hexOfBytes } from '../../daemon/door/secrets.ts';
import { Secret } from '../../daemon/secret.ts';
import { HandedOverSession } from '../../daemon/sign-in/session.ts';
import { HOUR, MINUTE, SECOND } from '../../protocol/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

const VALUE = 'eyJ-a-token-of-somebody';

test('a secret is a mark wherever it is printed, and its bytes are wiped', () => {
  const given = Buffer.from(VALUE);
  const secret = Secret.of(given);
  assert.ok(
    given.every((byte) => byte === 0),
    'taken over: nothing is left where it came from',
  );
  for (const printed of [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
    `${secret}`,
  ])
    assert.ok(!printed.includes('eyJ') && printed.includes('[secret]'), printed);
  assert.deepEqual(Object.keys(secret), []);
  let kept: Buffer = Buffer.alloc(0);
  secret.use((bytes) => {
    kept = bytes;
  });
  assert.equal(kept.toString(), VALUE);
  assert.equal(kept.buffer.byteLength, kept.length, 'in memory of its own, not in a pool that others share');
  secret.wipe();
  assert.ok(kept.every((byte) => byte === 0));
  assert.equal(secret.wiped, true);
  assert.throws(() => secret.text(), /wiped/);
  secret.wipe();
});

test('hex goes to bytes and back without a text, and what is no secret is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const digits = hexOfBytes(Buffer.from(bytes));
      assert.equal(digits.toString(), Buffer.from(bytes).toString('hex'));
      assert.deepEqual(bytesOfHex(digits), Buffer.from(bytes));
    }),
  );
  const good = 'ab'.repeat(32);
  assert.ok(bytesOfHex(Buffer.from(`${good}\n`)));
  for (const bad of ['', good.slice(1), `${good}00`, good.toUpperCase(), `g${good.slice(1)}`])
    assert.equal(bytesOfHex(Buffer.from(bad)), undefined, bad);
});

test("VS Code's session is wiped when it expires, is replaced, or is ended", async () => {
  const clock = new ManualClock();
  const session = new HandedOverSession(clock);
  session.set({ token: VALUE, expiresAt: clock.now() + HOUR });
  assert.equal(session.current?.token, VALUE);
  session.set({ token: 'another', expiresAt: clock.now() + HOUR });
  assert.equal(session.current?.token, 'another');
  await clock.advance(HOUR + SECOND);
  assert.equal(session.current, undefined);
  assert.equal(clock.armed, 0, 'nothing waits any more');
  session.set({ token: VALUE, expiresAt: clock.now() + HOUR });
  clock.setWall(-5 * HOUR);
  await clock.advance(HOUR + SECOND);
  assert.equal(session.current, undefined, 'a clock that was set back keeps it no longer');
  session.set({ token: VALUE, expiresAt: clock.now() + MINUTE });
  session.end();
  assert.equal(session.current, undefined);
  assert.equal(clock.armed, 0);
});
