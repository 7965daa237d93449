import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startName } from '../../../cloud/azure/request-name.ts';
import type { Bound, Order, Unbound } from '../../../cloud/provider.ts';
import { MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { Trouble } from '../../clouds/azure/faults.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

type Step = { act: 'bind' | 'unbind'; trouble: Trouble | undefined } | { act: 'pass'; time: Millis };

const trouble = fc.constantFrom<(Trouble | undefined)[]>(
  undefined,
  undefined,
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'throttle', retryAfter: '0' },
  { kind: 'throttle', retryAfter: '20' },
  { kind: 'refuse', status: 503, code: 'ServiceUnavailable', message: 'Later.' },
  { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No.' },
);
const steps = fc.array(
  fc.oneof(
    fc.record({ act: fc.constantFrom('bind' as const, 'unbind' as const), trouble }),
    fc.record({ act: fc.constant('pass' as const), time: fc.integer({ min: SECOND, max: 8 * MINUTE }) }),
  ),
  { minLength: 1, maxLength: 7 },
);

/** How a cloud adapter begins and ends an elevation, in either mode. */
interface Mode {
  bind(order: Order): Promise<Bound>;
  unbind(order: Order): Promise<Unbound>;
}

async function play(stage: Stage, order: Order, mode: Mode, script: readonly Step[]): Promise<void> {
  const { faults, assignments, pim } = stage.azure.world;
  let known = true;
  for (const step of script) {
    if (step.act === 'pass') await stage.clock.advance(step.time);
    else {
      if (step.trouble) faults.add({ call: /^PUT .*roleAssignmentScheduleRequests/, times: 1, trouble: step.trouble });
      const before = pim.request(startName(order.grantId));
      const answer = await whilePassing<Bound | Unbound | Fault>(
        stage,
        SECOND,
        mode[step.act](order).catch((error) => (error instanceof Fault ? error : Promise.reject(error))),
      );
      faults.clear();
      known = !(answer instanceof Fault);
      if (answer instanceof Fault) assert.ok(step.trouble, 'nothing is unknown without a reason');
      else if (answer.state === 'assigned' && !before) assert.ok(stage.allows(order), 'assigned is assigned');
      else if (answer.state === 'refused') assert.equal(pim.request(startName(order.grantId)), before, 'refused was never applied');
      else if (answer.state === 'accepted') assert.ok(!stage.allows(order), 'accepted is gone');
      else if (answer.state === 'nothing there') assert.ok(!stage.allows(order), 'there was nothing');
    }
    const mine = assignments.standing().filter(({ origin, scope }) => origin === 'pim' && order.resource.endsWith(scope));
    assert.ok(mine.length <= 1, 'one order is one grant');
    for (const { endsAt } of mine) assert.ok(endsAt !== undefined && endsAt <= order.notAfter, 'nothing lengthens it');
  }
  // Whatever happened: asked again until it is known, it ends; and Azure ends it by itself if nobody asks.
  if (!known) {
    const last = await whilePassing(stage, SECOND, mode.unbind(order));
    assert.notEqual(last.state, 'stuck');
    assert.ok(!stage.allows(order));
  }
  await stage.clock.advance(Math.max(0, order.notAfter - stage.clock.now()));
  assert.ok(!stage.allows(order), 'nothing outlives its instant');
}

for (const name of ['self-service', 'granting'] as const) {
  test(`${name}: whatever breaks and whenever, no answer claims more than is true`, async (t) => {
    const stage = await startStage(t);
    const { id } = await stage.balancer('Shop production');
    const self = stage.selfService();
    const granting = stage.granting();
    const mode: Mode =
      name === 'granting'
        ? { bind: (order) => granting.bind(order, signal()), unbind: (order) => granting.unbind(order, signal()) }
        : { bind: (order) => self.activate(order, signal()), unbind: (order) => self.deactivate(order, signal()) };
    await fc.assert(
      fc.asyncProperty(steps, (script) => play(stage, stage.order(id), mode, script)),
      { numRuns: 60 },
    );
  });
}
