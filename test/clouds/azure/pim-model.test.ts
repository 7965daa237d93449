import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import type { Caller } from './access.ts';
import { ArmError } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { makeEstate, PEOPLE } from './estate.ts';
import type { RequestType } from './pim-order.ts';
import { NETWORK_CONTRIBUTOR } from './role-definitions.ts';
import { field } from './timing.ts';
import { makeWorld } from './world.ts';

const WRITE = 'Microsoft.Network/loadBalancers/write';
const { oid } = PEOPLE.alice;

/** One thing that happens to an elevation. */
const Act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('activate' as const), minutes: fc.integer({ min: 5, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('deactivate' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('lock' as const, 'unlock' as const) }) },
);

test('whatever happens: no access without a grant, none after its end and the lag, and only a lock makes it stay', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Act, { maxLength: 40 }), async (acts) => {
      const clock = new ManualClock();
      const estate = makeEstate({ balancers: 8 });
      const world = makeWorld(clock, estate, { ...field, freshTokenRereads: false });
      const target = estate.resources.find(({ id }) => id.includes(estate.subscriptions[1]?.id ?? '-'))?.id ?? '';
      const scope = scopeOf(target);
      const caller: Caller = { oid, client: 'a', name: 'a', kind: 'User', order: 1, contexts: [], multiFactor: true };
      const send = (type: RequestType, minutes: number): boolean => {
        const start = clock.now();
        const window = { start, end: start + minutes * MINUTE, type: 'AfterDuration' as const, duration: minutes * MINUTE };
        try {
          world.settle();
          const { status } = world.pim.take({
            name: randomUUID(),
            scope,
            type,
            principalId: oid,
            roleGuid: NETWORK_CONTRIBUTOR,
            justification: 'x',
            window,
            caller,
          });
          return status === 'Provisioned' || status === 'Revoked';
        } catch (error) {
          assert.ok(error instanceof ArmError, String(error));
          return false;
        }
      };
      let end = Number.NEGATIVE_INFINITY;
      let begun = Number.POSITIVE_INFINITY;
      let everLocked = false;
      for (const one of acts) {
        if (one.act === 'wait') await clock.advance(one.seconds * SECOND);
        if (one.act === 'activate' && send('SelfActivate', one.minutes)) [begun, end] = [clock.now(), clock.now() + one.minutes * MINUTE];
        if (one.act === 'deactivate' && send('SelfDeactivate', 1)) end = clock.now();
        if (one.act === 'lock') world.locks.add(target);
        if (one.act === 'unlock') world.locks.remove(target);
        everLocked ||= one.act === 'lock';
        const allowed = world.allows(oid, WRITE, target);
        const now = clock.now();
        if (now < begun && end === Number.NEGATIVE_INFINITY) assert.equal(allowed, false, 'nothing was granted');
        if (now >= end + field.goneLag && !everLocked) assert.equal(allowed, false, 'ended and the lag has passed');
        if (now >= begun + field.usableLag && now < end) assert.equal(allowed, true, 'granted and the lag has passed');
        assert.ok(world.assignments.standing().filter(({ origin }) => origin === 'pim').length <= 1, 'never twice');
      }
    }),
    { numRuns: 150 },
  );
});
