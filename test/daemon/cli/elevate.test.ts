import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrantId } from '../../../protocol/ids.ts';
import { BEN, grant, NOON, request, uuid } from './estate.ts';
import { type Stage, stage } from './stage.ts';

const ASKED = ['elevate', 'prod-edge/web', '--role', 'backends', '--for', '15m', '--reason', 'Drain', '--wait'];

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setImmediate(resolve));
};

/** Runs `elevate --wait` up to the point where its request waits for approval. */
async function pending({ run, live, said }: Stage, ...more: string[]) {
  const waiting = run(...ASKED, ...more);
  live.apply({ type: 'request', request: request() });
  await until(() => said().includes('Requested'));
  live.apply({ type: 'request', request: request({ state: 'pending approval', approvers: { needed: 1, people: [BEN] } }) });
  await until(() => said().includes('Waiting'));
  return waiting;
}

test('waiting tells each state as it comes, and ends when access was seen to work', async (t) => {
  const on = await stage(t);
  const { live, said } = on;
  const waiting = on.run(...ASKED, '--json');
  live.apply({ type: 'request', request: request() });
  await until(() => said().includes('Requested'));
  live.apply({ type: 'request', request: request({ state: 'pending approval', approvers: { needed: 2, group: 'leads', people: [] } }) });
  live.apply({ type: 'request', request: request({ state: 'approved', grantId: grant().id }) });
  live.apply({ type: 'grant', grant: grant({ state: 'activating' }) });
  live.apply({ type: 'grant', grant: grant({ state: 'assigned', awaiting: 'Azure may need up to 10 minutes' }) });
  live.apply({ type: 'central', contact: { state: 'lost', since: NOON } });
  live.apply({ type: 'central', contact: { state: 'connected', since: NOON } });
  live.apply({ type: 'grant', grant: grant() });
  const ran = await waiting;
  assert.equal(ran.status, 0);
  assert.equal(
    ran.err,
    [
      'Requested',
      'Waiting for approval by 2 of leads until 12:59',
      'Approved',
      'Approved, activating',
      'Azure may need up to 10 minutes',
      'Not known: Contact with central is lost',
      'Azure may need up to 10 minutes',
      '',
    ].join('\n'),
  );
  const told = ran.json as { requestId: string; outcome: string; grant: { id: string } };
  assert.deepEqual([told.requestId, told.outcome, told.grant.id], [uuid('a'), 'usable', uuid('b')]);
});

test('on a screen the end names the grant and how to end it', async (t) => {
  const on = await stage(t, { state: { requests: { [uuid('a')]: request({ state: 'approved' }) }, grants: { [uuid('b')]: grant() } } });
  const ran = await on.run(...ASKED);
  assert.match(ran.out, /^Usable until 12:10\nGrant +bbbbbbbb-[\s\S]*End it with "portcullis revoke bbbbbbbb"\.\n$/);
});

test('a denial, a lapse, a cancellation and a failure end the waiting with status 3', async (t) => {
  const ends: [Parameters<typeof request>[0], RegExp][] = [
    [
      { state: 'denied', approvals: [{ person: BEN, verdict: 'denied', reason: 'not tonight', at: NOON }] },
      /^Denied by Ben Okafor: not tonight$/,
    ],
    [{ state: 'expired' }, /^Nobody decided in time$/],
    [{ state: 'cancelled' }, /^The request was cancelled$/],
    [{ state: 'failed', problem: { code: 'ScopeLocked', message: 'A lock is in the way' } }, /^A lock is in the way$/],
  ];
  for (const [end, words] of ends) {
    const on = await stage(t);
    const waiting = pending(on, '--json');
    await until(() => on.said().includes('Waiting'));
    on.live.apply({ type: 'request', request: request(end) });
    const ran = await waiting;
    assert.equal(ran.status, 3);
    assert.match((ran.json as { error: { message: string } }).error.message, words);
  }
});

test('a grant that fails, or ends before it could be used, is no success', async (t) => {
  for (const state of ['failed', 'revoking', 'gone'] as const) {
    const on = await stage(t);
    const waiting = pending(on);
    await until(() => on.said().includes('Waiting'));
    on.live.apply({
      type: 'grant',
      grant: grant({ state, endReason: 'activation failed', problem: { code: 'x', message: 'Azure refused', wayOut: 'Ask Ben.' } }),
    });
    assert.equal((await waiting).status, 3);
  }
});

test('Ctrl-C asks nothing, leaves the request, and says how to cancel it', async (t) => {
  const on = await stage(t);
  const waiting = pending(on, '--json');
  await until(() => on.said().includes('Waiting'));
  const before = on.calls.length;
  on.interrupt();
  const ran = await waiting;
  assert.equal(ran.status, 130);
  assert.equal(on.calls.length, before);
  assert.equal((ran.json as { request: { state: string } }).request.state, 'pending approval');
  assert.match(ran.err, /No longer waiting\.\nThe request stands\. Cancel it with "portcullis cancel aaaaaaaa"\.\n$/);
});

test('a daemon that goes away while one waits is not reachable, and the request stands', async (t) => {
  const on = await stage(t);
  const waiting = pending(on);
  await until(() => on.said().includes('Waiting'));
  await on.kill();
  const ran = await waiting;
  assert.equal(ran.status, 4);
  assert.match(ran.err, /Lost the daemon: .*\nThe request stands\./);
});

test('a grant of another request is not taken for this one', async (t) => {
  const on = await stage(t, { state: { grants: { [uuid('c')]: grant({ id: uuid('c') as GrantId, requestId: uuid('9') as never }) } } });
  const waiting = pending(on);
  await until(() => on.said().includes('Waiting'));
  on.interrupt();
  assert.equal((await waiting).status, 130);
});
