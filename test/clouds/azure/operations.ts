import { randomUUID } from 'node:crypto';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import type { Access } from './access.ts';
import { ArmError } from './arm-error.ts';
import { type Scope, scopeOf, subscriptionOf } from './arm-id.ts';
import type { Reply } from './exchange.ts';
import type { Json } from './json.ts';
import type { Call, Route } from './router.ts';
import type { Timing } from './timing.ts';

interface Operation {
  subscription: string;
  doneAt: Instant;
  /** Read once it is done. */
  result: () => Json | undefined;
}

const KEPT = 5_000;

/**
 * Long-running operations. Their results live at the **subscription**, with an authorization of their own: whoever holds
 * a right on the balancer alone can start one and not see how it ends.
 */
export class Operations {
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #access: Access;
  readonly #all = new Map<string, Operation>();
  readonly #busy = new Map<Scope, Instant>();

  constructor(clock: Clock, timing: Timing, access: Access) {
    this.#clock = clock;
    this.#timing = timing;
    this.#access = access;
  }

  /** Whether a write to the resource is still under way. */
  busy(id: string): boolean {
    return this.#clock.now() < (this.#busy.get(scopeOf(id)) ?? 0);
  }

  provisioningState(id: string): string {
    return this.busy(id) ? 'Updating' : 'Succeeded';
  }

  /** Throws when another write is under way. */
  refuseBusy(id: string): void {
    if (!this.busy(id)) return;
    throw new ArmError(
      429,
      'AnotherOperationInProgress',
      `Another operation on this or dependent resource is in progress. Resource: ${id}`,
      {
        headers: { 'retry-after': String(Math.max(1, this.#timing.retryAfter)) },
      },
    );
  }

  /** Starts one; the headers tell where to ask how it goes. @param writes The resource that is busy meanwhile. */
  start(
    call: Call,
    id: string,
    location: string,
    options: { writes?: boolean; result?: () => Json | undefined } = {},
  ): Record<string, string> {
    const subscription = subscriptionOf(scopeOf(id)) ?? '';
    const name = randomUUID();
    const doneAt = this.#clock.now() + this.#timing.operation;
    this.#forget();
    this.#all.set(name, { subscription, doneAt, result: options.result ?? (() => undefined) });
    if (options.writes) this.#busy.set(scopeOf(id), doneAt);
    const at = `${call.base}/subscriptions/${subscription}/providers/Microsoft.Network/locations/${location}`;
    const version = `api-version=${call.query.get('api-version') ?? ''}`;
    return {
      'azure-asyncoperation': `${at}/operations/${name}?${version}`,
      location: `${at}/operationResults/${name}?${version}`,
      'retry-after': String(this.#timing.retryAfter),
    };
  }

  /** Azure keeps results for a while; so many are enough for anybody who still polls. */
  #forget(): void {
    const oldest = this.#all.size >= KEPT ? this.#all.keys().next().value : undefined;
    if (oldest !== undefined) this.#all.delete(oldest);
  }

  routes(): Route[] {
    const path = '/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}';
    return [
      { method: 'GET', path: `${path}/operations/{name}`, handle: (call) => this.#status(call) },
      { method: 'GET', path: `${path}/operationResults/{name}`, handle: (call) => this.#result(call) },
    ];
  }

  #find(call: Call, action: string): Operation {
    const subscription = call.param('subscription');
    this.#access.demand(call.caller, action, `/subscriptions/${subscription}`);
    const operation = this.#all.get(call.param('name'));
    if (!operation || operation.subscription !== subscription.toLowerCase()) {
      throw new ArmError(404, 'OperationNotFound', `The operation '${call.param('name')}' was not found.`);
    }
    return operation;
  }

  #status(call: Call): Reply {
    const operation = this.#find(call, 'Microsoft.Network/locations/operations/read');
    if (this.#clock.now() < operation.doneAt) {
      return { status: 200, headers: { 'retry-after': String(this.#timing.retryAfter) }, body: { status: 'InProgress' } };
    }
    const output = operation.result();
    return { status: 200, body: { status: 'Succeeded', ...(output !== undefined && { properties: { output } }) } };
  }

  #result(call: Call): Reply {
    const operation = this.#find(call, 'Microsoft.Network/locations/operationResults/read');
    if (this.#clock.now() < operation.doneAt)
      return { status: 202, headers: { location: `${call.base}${call.path}`, 'retry-after': String(this.#timing.retryAfter) } };
    return { status: 200, body: operation.result() };
  }
}
