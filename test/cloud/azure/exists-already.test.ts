import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { azureErrorOf } from '../../../cloud/azure/azure-error.ts';
import { azureClients } from '../../../cloud/azure/clients.ts';
import { parseResource, roleDefinitionId } from '../../../cloud/azure/resource-id.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import { PEOPLE } from '../../clouds/azure/estate.ts';
import { type Stage, signal, startStage, whilePassing } from './stage.ts';

const BACKENDS = '7f0a51d2-4f7e-4c5b-8d0b-0e5c2f6b9a02';

for (const saysExistsInWords of [false, true]) {
  const said = saysExistsInWords ? 'in its sentence alone' : 'by its code';
  test(`what exists already, told ${said}, is waited for while it closes, is ours by its name, and is said when active`, async (t) => {
    const stage = await startStage(t, { timing: { stillHeld: 20 * SECOND } });
    const { world } = stage.azure;
    world.faults.saysExistsInWords = saysExistsInWords;
    const code = saysExistsInWords ? 'BadRequest' : 'RoleAssignmentExists';
    const { id } = await stage.balancer('Shop production');
    const self = stage.selfService();
    const first = stage.order(id);
    const bound = await self.activate(first, signal());
    assert.deepEqual(await self.activate(first, signal()), bound, 'sent again it is the same one');
    const other = await self.activate(stage.order(id), signal());
    assert.ok(other.state === 'refused');
    assert.equal(other.problem.code, 'already-elevated');
    assert.match(other.problem.wayOut ?? '', /Use the grant that is active/);
    assert.equal(await codeOnTheWire(stage, id), code);
    await self.deactivate(first, signal());
    const asked = stage.clock.now();
    const second = stage.order(id, { notAfter: asked + 30 * MINUTE });
    assert.equal((await whilePassing(stage, SECOND, self.activate(second, signal()))).state, 'assigned');
    assert.ok(stage.clock.now() >= asked + 20 * SECOND && stage.clock.now() < asked + MINUTE);
    assert.ok(stage.allows(second));
  });
}

/** What Azure itself says to one more activation, past the adapter. */
async function codeOnTheWire(stage: Stage, id: ResourceId): Promise<string | undefined> {
  const { armId, subscriptionId } = parseResource(id) ?? assert.fail();
  const clients = azureClients(stage.tokens(PEOPLE.alice.oid), stage.settings);
  const { roleAssignmentScheduleRequests } = await clients.authorization({ subscriptionId });
  const body = {
    principalId: PEOPLE.alice.oid,
    roleDefinitionId: roleDefinitionId(subscriptionId, BACKENDS),
    requestType: 'SelfActivate',
    justification: 'x',
    scheduleInfo: { expiration: { type: 'AfterDuration', duration: 'PT15M' } },
  };
  return roleAssignmentScheduleRequests.create(armId.slice(1), randomUUID(), body).then(
    () => undefined,
    (error) => azureErrorOf(error, stage.clock.now())?.code,
  );
}
