import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SelfService, Unbound } from '../../../cloud/provider.ts';
import { Leases } from '../../../daemon/journal/leases.ts';
import { openJournal } from '../../../daemon/journal/open.ts';
import type { LeaseJournal } from '../../../daemon/journal/ports.ts';
import { Holder } from '../../../daemon/pim/holder.ts';
import type { PimLease } from '../../../daemon/pim/lease.ts';
import { step } from '../../../daemon/pim/step.ts';
import { HOUR, MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const ID = '00000000-0000-4000-8000-000000000001' as GrantId;
const EDGE = 'azure:edge' as ResourceId;
const SILENT = { info() {}, warn() {}, error() {} };
const PROPAGATION = MINUTE;

/** The holder on a real journal, with a cloud of one right whose answers to a release a test chooses. */
function stage(t: TestContext, answers: ((now: number) => Unbound | 'hangs')[]) {
  const clock = new ManualClock();
  const db = openJournal(':memory:', 0);
  t.after(() => db.close());
  const releases: number[] = [];
  let stands = false;
  const selfService: Pick<SelfService, 'activate' | 'pending' | 'cancel' | 'deactivate' | 'standing' | 'propagation'> = {
    propagation: PROPAGATION,
    async activate() {
      stands = true;
      return { state: 'assigned' };
    },
    async pending() {
      return { state: 'assigned' };
    },
    async cancel() {},
    async deactivate() {
      releases.push(clock.boot());
      const answer = answers.shift()?.(clock.now()) ?? { state: 'accepted' };
      if (answer === 'hangs') return new Promise<Unbound>(() => {});
      if (answer.state === 'accepted') stands = false;
      return answer;
    },
    standing: async () => (stands ? 'standing' : 'absent'),
  };
  const start = (): Holder => {
    const leases = new Leases(db, clock, 'boot-1');
    const journal: LeaseJournal = { must: (act) => act(leases), may: (act) => act(leases) };
    const truth = { now: () => ({}) as DaemonState, apply() {}, record() {} };
    const access = { check: async () => (stands ? ('allowed' as const) : ('denied' as const)) };
    const holder = new Holder({ machine: step, selfService, access, journal, truth, clock, random: () => 0.5, log: SILENT });
    for (const { body, bootDue } of leases.load('pim', 0)) holder.resume(JSON.parse(body) as PimLease, bootDue);
    t.after(() => holder.stop());
    return holder;
  };
  return { clock, releases, start, stands: () => stands };
}

const asked = (now: number): PimLease => ({
  ...{ grantId: ID, requestId: ID as string as RequestId, person: { id: 'alice' as PersonId, name: 'Alice' } },
  resource: { id: EDGE, name: 'edge', kind: 'Load balancer', balancerId: EDGE, balancerName: 'edge' },
  role: { id: 'backends' as RoleId, title: 'Backends', enforcement: 'native' },
  decision: { outcome: 'granted', because: 'b', wouldChange: [], rules: [], policyVersion: 'v', at: now },
  ...{ allows: [], actions: ['a'], duration: HOUR, reason: 'r', approvals: [], createdAt: now, lapsesAt: now, notAfter: now + HOUR },
  ...{ phase: 'intended', next: 'activate', nextAt: now, shown: true, confirmed: false, alarmed: false },
  ...{ checks: 0, tries: 0, denials: 0 },
});

const end = (holder: Holder) => holder.take(ID, { type: 'end', reason: 'revoked' });

test('an act that hangs, and ignores that it is given up, holds no release up', async (t) => {
  const { clock, releases, start } = stage(t, [() => 'hangs']);
  const holder = start();
  holder.add(asked(clock.now()));
  await clock.advance(SECOND);
  end(holder);
  await clock.advance(2 * MINUTE);
  assert.equal(releases.length, 2);
  assert.equal(holder.get(ID)?.phase, 'gone');
});

test("an instant of the cloud's is not waited for by a clock that was set back", async (t) => {
  const { clock, releases, start } = stage(t, [(now) => ({ state: 'not yet', again: now + HOUR + 4 * MINUTE, why: 'Too young' })]);
  const holder = start();
  holder.add(asked(clock.now()));
  await clock.advance(SECOND);
  end(holder);
  await clock.advance(5 * MINUTE + 2 * SECOND);
  assert.equal(releases.length, 2);
});

test('a wall clock that was set ahead proves nothing, also not before the watch has seen it', async (t) => {
  const { clock, start, stands } = stage(t, [() => ({ state: 'nothing there' }), () => ({ state: 'nothing there' })]);
  const holder = start();
  holder.add(asked(clock.now()));
  await clock.advance(SECOND);
  end(holder);
  await clock.advance(SECOND);
  clock.setWall(HOUR);
  await clock.advance(30 * SECOND);
  assert.ok(stands());
  assert.notEqual(holder.get(ID)?.phase, 'gone');
});

test('a wall clock that was set back while it waits, or while no daemon ran, makes no end wait for an hour', async (t) => {
  for (const down of [false, true]) {
    const { clock, start, stands } = stage(t, [() => ({ state: 'nothing there' })]);
    let holder = start();
    holder.add(asked(clock.now()));
    await clock.advance(SECOND);
    end(holder);
    await clock.advance(SECOND);
    if (down) holder.stop();
    clock.setWall(-HOUR);
    if (down) holder = start();
    await clock.advance(5 * MINUTE);
    assert.ok(!stands(), down ? 'while no daemon ran' : 'while it waits');
    assert.equal(holder.get(ID)?.phase, 'gone');
  }
});
