import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import type { Grant } from '../../../protocol/model.ts';
import { BALANCER, ROLE } from './cloud.ts';
import type { Stage } from './stage.ts';

export const ask = (minutes = 30) => ({
  resourceId: BALANCER,
  roleId: ROLE.id,
  authority: 'pim' as const,
  duration: minutes * MINUTE,
  reason: 'INC-1: drain a backend',
  idempotencyKey: randomUUID(),
});

export const only = (client: Client): Grant => {
  const [grant, ...more] = Object.values(client.state.grants);
  assert.ok(grant, 'one grant is shown');
  assert.equal(more.length, 0);
  return grant;
};

/** Lets the fake cloud give power when it activates, and take it when it accepts the release. */
export function honest(stage: Stage): void {
  stage.pim.onActivate = () => {
    stage.cloud.power = true;
  };
  stage.pim.onRelease = (unbound) => {
    if (unbound.state === 'accepted') stage.cloud.power = false;
  };
}

export async function usable(stage: Stage): Promise<Client> {
  honest(stage);
  const client = await stage.client();
  const answer = await client.call('request', ask());
  assert.equal(answer.ok, true);
  await stage.clock.advance(SECOND);
  assert.equal(only(client).state, 'usable');
  return client;
}

export const kinds = async (client: Client): Promise<string[]> => {
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 200 });
  return events.map(({ kind }) => kind).reverse();
};
