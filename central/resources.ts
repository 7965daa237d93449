import type { Provider } from '../cloud/provider.ts';
import { type Clock, type Millis, SECOND } from '../protocol/clock.ts';
import type { ResourceId } from '../protocol/ids.ts';
import { KIND_WORDS } from '../protocol/kind-words.ts';
import type { LoadBalancer, Part, ResourceRef } from '../protocol/model.ts';
import type { Target } from './policy/facts.ts';

/** A resource as central's own identity read it: for screens and records, and for the policy. */
export interface Resource {
  ref: ResourceRef;
  target: Target;
}

/** How long a reading serves previews. Decisions read again. */
const FRESH: Millis = 15 * SECOND;
const KEPT = 1_000;

/** Reads resources from the cloud, never from who asks. */
export class Resources {
  readonly #provider: Provider;
  readonly #clock: Clock;
  readonly #read = new Map<ResourceId, { at: number; resource: Resource | undefined }>();

  constructor(provider: Provider, clock: Clock) {
    this.#provider = provider;
    this.#clock = clock;
  }

  /** Undefined when there is no such resource or central may not read it. Throws a `Fault` when the cloud does not answer. */
  async read(id: ResourceId, signal: AbortSignal): Promise<Resource | undefined> {
    const resource = await this.#ask(id, signal);
    if (this.#read.size >= KEPT) this.#read.clear();
    this.#read.set(id, { at: this.#clock.boot(), resource });
    return resource;
  }

  /** A reading of the last seconds, or a new one. */
  async recent(id: ResourceId, signal: AbortSignal): Promise<Resource | undefined> {
    const known = this.#read.get(id);
    return known?.resource && this.#clock.boot() - known.at < FRESH ? known.resource : this.read(id, signal);
  }

  async #ask(id: ResourceId, signal: AbortSignal): Promise<Resource | undefined> {
    const balancerId = balancerIdOf(id);
    const balancer = balancerId && (await this.#provider.inventory.balancer(balancerId, signal));
    if (!balancer) return undefined;
    if (balancer.id === id) return describe(balancer, undefined);
    const part = (await this.#provider.inventory.parts(balancer.id, signal)).find((each) => each.id === id);
    return part && describe(balancer, part);
  }
}

/**
 * The balancer that a resource is or is part of. In Azure a balancer is a top-level resource:
 * `/subscriptions/S/resourcegroups/G/providers/N/T/NAME`, eight segments, and its parts hang below.
 */
export function balancerIdOf(id: ResourceId): ResourceId | undefined {
  const [, balancer] = /^(azure:(?:\/[^/]+){8})(?:\/|$)/.exec(id) ?? [];
  return balancer as ResourceId | undefined;
}

function describe(balancer: LoadBalancer, part: Part | undefined): Resource {
  const { id, name, kind } = part ?? balancer;
  const { provider, accountId: account, resourceGroup, location, exposure, tags } = balancer;
  return {
    ref: { id, name, kind: KIND_WORDS[kind], balancerId: balancer.id, balancerName: balancer.name },
    target: { id, balancerId: part && balancer.id, account, provider, kind, name, resourceGroup, location, exposure, tags },
  };
}
