import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { AuditEvent } from '../../../protocol/audit.ts';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { Grant } from '../../../protocol/model.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeCentral } from './central.ts';
import { BALANCER, grantId, ROLE } from './cloud.ts';
import { type Stage, startStage } from './stage.ts';

export const ask = (minutes = 30) => ({
  resourceId: BALANCER,
  roleId: ROLE.id,
  authority: 'central' as const,
  duration: minutes * MINUTE,
  reason: 'INC-1: drain a backend',
  idempotencyKey: randomUUID(),
});

export interface UnderCentral extends Stage {
  central: FakeCentral;
}

export async function underCentral(t: TestContext, before: (central: FakeCentral) => void = () => {}): Promise<UnderCentral> {
  const clock = new ManualClock();
  const central = new FakeCentral(clock);
  before(central);
  return Object.assign(await startStage(t, { authorities: ['central'], http: central, clock }), { central });
}

export const grantOf = (client: Client, id = grantId(1)): Grant => {
  const grant = client.state.grants[id];
  assert.ok(grant, 'the grant is shown');
  return grant;
};

export async function usable(set: UnderCentral): Promise<Client> {
  set.cloud.power = true;
  const client = await set.client();
  assert.ok((await client.call('request', ask())).ok);
  await set.clock.advance(SECOND);
  assert.equal(grantOf(client).state, 'usable');
  return client;
}

/** What this daemon and the ones before it have recorded: central's mirrored events are of a central that is none. */
export async function ownEvents(client: Client): Promise<AuditEvent[]> {
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 500 });
  return events.filter(({ source }) => source !== 'central');
}
