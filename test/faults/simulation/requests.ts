import type { GrantStore } from '../../../central/grants/ports.ts';
import type { GrantRunner } from '../../../central/grants/runner.ts';
import type { Actor } from '../../../central/people/actor.ts';
import { aboutRequest } from '../../../central/record/body.ts';
import type { RequestLife } from '../../../central/requests/life.ts';
import { overlap } from '../../../central/requests/obstacles.ts';
import type { NewRequest } from '../../../central/requests/requests.ts';
import type { Views } from '../../../central/views.ts';
import type { Clock } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import type { ElevationRequest, ResourceRef, RoleRef } from '../../../protocol/model.ts';
import { type Answer, yes } from '../../../protocol/refusal.ts';
import type { Dice } from './dice.ts';
import type { Connection } from './durable.ts';
import { balancer, roleRef } from './people.ts';

interface Parts {
  store: GrantStore;
  read: Connection;
  clock: Clock;
  runner: GrantRunner;
  views: Views;
  dice: Dice;
}

/** A policy that grants everything at once, with central's own obstacles to grants that overlap. */
export class Requests {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async create(actor: Actor, asked: NewRequest): Promise<Answer<ElevationRequest>> {
    const { store, read, clock, runner, dice } = this.#parts;
    const known = await read.request(asked.id);
    if (known) return this.#view(actor, known);
    const request = approved(actor, asked, balancer(asked.resourceId), roleRef(asked.roleId), dice.uuid() as GrantId, clock.now());
    const { answer, start } = await store.write(async (tx): Promise<{ answer: Answer<ElevationRequest>; start?: () => void }> => {
      const other = await tx.request(asked.id);
      if (other) return { answer: this.#view(actor, other) };
      const obstacle = await overlap(read as unknown as Parameters<typeof overlap>[0], request, 'azure', clock.now(), (id) =>
        runner.find(id),
      );
      if (obstacle) return { answer: obstacle };
      await tx.putRequest(request, clock.now());
      await tx.append(aboutRequest(clock, request, 'request.created', `${actor.person.name} asks for power`));
      const { id: requestId, requester, resource, role, actions, reason, follows, grantId } = request;
      const start = await runner.intend(tx, {
        id: grantId as GrantId,
        requestId,
        issuer: requester.issuer,
        holder: requester.person,
        principalId: requester.principals.azure ?? '',
        resource,
        role,
        actions,
        reason,
        approvedBy: [],
        follows,
        notAfter: clock.now() + request.duration,
      });
      return { answer: this.#view(actor, request), start };
    });
    start?.();
    return answer;
  }

  async cancel(): Promise<Answer<Record<never, never>>> {
    return yes({});
  }

  #view(actor: Actor, request: RequestLife): Answer<ElevationRequest> {
    return yes(this.#parts.views.request(actor, request, true) as ElevationRequest);
  }
}

function approved(actor: Actor, asked: NewRequest, resource: ResourceRef, role: RoleRef, grantId: GrantId, now: number): RequestLife {
  return {
    id: asked.id,
    requester: actor,
    resource,
    target: {
      id: asked.resourceId,
      account: 's1',
      provider: 'azure',
      kind: 'load-balancer',
      name: resource.name,
      resourceGroup: 'rg',
      location: 'westeurope',
      exposure: 'public',
      tags: {},
    },
    role,
    allows: [],
    // The simulated cloud knows roles by their id.
    actions: [asked.roleId],
    duration: asked.duration,
    reason: asked.reason,
    follows: asked.follows,
    state: 'approved',
    createdAt: now,
    lapsesAt: now,
    requirements: [],
    approvals: [],
    grantId,
  };
}
