import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

const REQUESTS = /^PUT .*roleAssignmentScheduleRequests/;
const PLACE = /"Portcullis backends" \(7f0a51d2-[0-9a-f-]+\)/;

const refuse = (stage: Stage, status: number, code: string, times?: number) =>
  stage.azure.world.faults.add({ call: REQUESTS, times, trouble: { kind: 'refuse', status, code, message: 'Azure says so.' } });

const sent = (stage: Stage): number => stage.azure.world.calls.matching('PUT', /roleAssignmentScheduleRequests/).length;

for (const [code, status] of [
  ['InsufficientPermissions', 403],
  ['ScopeDoesNotMatchRoleDefinition', 400],
] as const) {
  test(`${code} names the role and the place, at the start and at the end`, async (t) => {
    const stage = await startStage(t);
    const { id, name } = await stage.balancer('Shop production');
    const order = stage.order(id);
    const granting = stage.granting();
    const undo = refuse(stage, status, code);
    for (const start of [granting.bind, stage.selfService().activate]) {
      const bound = await start(order, signal());
      assert.ok(bound.state === 'refused');
      assert.match(bound.problem.message, PLACE);
      assert.ok(bound.problem.message.includes(` on ${name}: Azure says so.`), bound.problem.message);
      assert.ok(bound.problem.wayOut?.endsWith(` at ${id.slice('azure:'.length)}.`), bound.problem.wayOut);
    }
    undo();
    await granting.bind(order, signal());
    refuse(stage, status, code);
    const stuck = await granting.unbind(order, signal());
    assert.ok(stuck.state === 'stuck');
    assert.match(stuck.problem.message, PLACE);
  });
}

for (const [what, starter] of [
  ['a grant', (stage: Stage) => stage.granting().bind],
  ['an activation', (stage: Stage) => stage.selfService().activate],
] as const) {
  test(`${what} for a person whom Azure knows a moment later is made, and nobody is told`, async (t) => {
    const stage = await startStage(t);
    const order = stage.order((await stage.balancer('Shop production')).id);
    refuse(stage, 400, 'SubjectNotFound', 2);
    const asked = stage.clock.now();
    const bound = await whilePassing(stage, SECOND, starter(stage)(order, signal()));
    assert.equal(bound.state, 'assigned');
    assert.ok(stage.allows(order));
    assert.deepEqual([sent(stage), stage.clock.now() - asked], [3, 30 * SECOND]);
    await stage.clock.advance(15 * MINUTE - 30 * SECOND);
    assert.ok(!stage.allows(order), 'its end stayed where it was');
  });

  test(`${what} for a person whom Azure does not get to know is refused within the minute that is waited for it`, async (t) => {
    const stage = await startStage(t);
    const order = stage.order((await stage.balancer('Shop production')).id);
    refuse(stage, 400, 'SubjectNotFound');
    const asked = stage.clock.now();
    const bound = await whilePassing(stage, SECOND, starter(stage)(order, signal()));
    assert.ok(bound.state === 'refused' && /does not know this person/.test(bound.problem.message));
    assert.equal(sent(stage), 3);
    assert.ok(stage.clock.now() - asked < MINUTE);
  });

  test(`${what} for a person whom Azure does not know is not asked for past its end, and can be given up`, async (t) => {
    const stage = await startStage(t);
    const { id } = await stage.balancer('Shop production');
    refuse(stage, 400, 'SubjectNotFound');
    const short = stage.order(id, { notAfter: stage.clock.now() + 20 * SECOND });
    const bound = await whilePassing(stage, SECOND, starter(stage)(short, signal()));
    assert.ok(bound.state === 'refused' && bound.problem.code === 'not-found');
    assert.equal(sent(stage), 2);
    assert.ok(stage.clock.now() < short.notAfter);
    const giveUp = new AbortController();
    const waiting = starter(stage)(stage.order(id), giveUp.signal);
    while (stage.clock.armed === 0) await stage.clock.advance(0);
    giveUp.abort();
    assert.equal((await waiting).state, 'refused');
  });
}

test('however slowly Azure says that it does not know a person, that is said within a minute', async (t) => {
  const stage = await startStage(t, { timing: { answerDelay: 15 * SECOND } });
  const order = stage.order((await stage.balancer('Shop production')).id, { principalId: randomUUID() });
  const asked = stage.clock.now();
  const bound = await whilePassing(stage, SECOND, stage.granting().bind(order, signal()));
  assert.ok(bound.state === 'refused' && bound.problem.code === 'not-found');
  assert.ok(stage.clock.now() - asked < MINUTE, 'who asked would take it for no answer');
});
