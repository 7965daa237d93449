import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yes } from '../../../protocol/refusal.ts';
import { ALICE } from './estate.ts';
import { stage } from './stage.ts';

test('sign-in shows the page, and is over when the daemon says so', async (t) => {
  const on = await stage(t, {
    state: { signIns: [{ to: 'central', state: 'signed out' }] },
    handlers: { 'sign-in': () => yes({ open: 'https://id.example.test/authorize?x=1' }) },
  });
  const signingIn = on.run('sign-in', '--json');
  while (!on.said().includes('https://')) await new Promise((resolve) => setImmediate(resolve));
  on.live.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signing in' } });
  on.live.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signed in', person: ALICE, by: 'browser' } });
  const ran = await signingIn;
  assert.equal(ran.status, 0);
  assert.match(ran.err, /Open this page in a browser to sign in to central:\nhttps:\/\/id\.example\.test\/authorize\?x=1\n/);
  assert.equal((ran.json as { signIns: { state: string }[] }).signIns[0]?.state, 'signed in');
});

test('a sign-in that fails says why, and an old failure is no answer', async (t) => {
  const on = await stage(t, { state: { signIns: [{ to: 'azure', state: 'failed', problem: 'yesterday' }] } });
  const signingIn = on.run('sign-in', 'azure');
  while (!on.calls.some(([method]) => method === 'sign-in')) await new Promise((resolve) => setImmediate(resolve));
  on.live.apply({ type: 'sign-in', signIn: { to: 'azure', state: 'failed', problem: 'Please run az login' } });
  const ran = await signingIn;
  assert.deepEqual([ran.status, ran.err], [4, 'Not signed in to Azure: Please run az login\n']);
});

test('no page is shown that is neither https nor on this machine', async (t) => {
  for (const open of ['http://evil.test/', 'javascript:alert(1)', 'file:///etc/passwd', 'http://127.0.0.1.evil.test/', 'x']) {
    const on = await stage(t, {
      state: { signIns: [{ to: 'central', state: 'signed out' }] },
      handlers: { 'sign-in': () => yes({ open }) },
    });
    const ran = await on.run('sign-in', 'central');
    assert.equal(ran.status, 4, open);
    assert.ok(!ran.err.includes(open) || open === 'x');
  }
});
