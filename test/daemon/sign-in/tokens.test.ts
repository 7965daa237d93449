import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedTokens } from '../../../cloud/azure/shared-tokens.ts';
import { azureTokens } from '../../../daemon/sign-in/tokens.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const never = new AbortController().signal;

test('central is asked many things with one token: the Azure CLI starts a process for each', async () => {
  const clock = new ManualClock();
  let started = 0;
  const shared = sharedTokens({ getToken: async () => ({ token: String(++started), expiresOnTimestamp: 0 }) }, clock);
  const tokens = azureTokens(shared, 'api://portcullis/.default');
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => tokens.token(false, never))), ['1', '1', '1']);
  assert.equal(await tokens.token(true, never), '2', 'one that was refused is replaced');
  assert.equal(await tokens.token(false, never), '2', 'for what follows, too');
  await clock.advance(MINUTE);
  assert.equal(await tokens.token(false, never), '3');
});

test('why there is no token for central is said, with the way out', async () => {
  const failing = (error: Error) => azureTokens({ getToken: async () => Promise.reject(error), forget: () => {} }, 'api://x');
  const fault = new Fault('sign-in-failed', 'You have signed out of Azure.');
  await assert.rejects(failing(fault).token(false, never), fault);
  await assert.rejects(
    failing(new Error('az is not installed')).token(false, never),
    (error) => error instanceof Fault && error.code === 'sign-in-failed' && /central.azureScope/.test(error.wayOut ?? ''),
  );
});
