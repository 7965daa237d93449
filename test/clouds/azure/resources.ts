import { randomUUID } from 'node:crypto';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { JsonObject } from './json.ts';
import type { Timing } from './timing.ts';

/** A resource as it is kept: what a client may set, without what the service computes when it is read. */
export interface Resource {
  /** With its case. */
  id: string;
  name: string;
  /** `Microsoft.Network/loadBalancers`. */
  type: string;
  location: string;
  tags?: Record<string, string> | undefined;
  sku?: JsonObject | undefined;
  zones?: string[] | undefined;
  identity?: JsonObject | undefined;
  properties: JsonObject;
}

export interface Stored {
  resource: Resource;
  etag: string;
  resourceGuid: string;
}

interface Entry {
  now: Stored | undefined;
  changedAt: Instant;
  /** What the index of Resource Graph still shows until the lag has passed. */
  before: Stored | undefined;
}

/** Every resource, as Resource Manager knows it and as Resource Graph knows it, which is later. */
export class Resources {
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #all = new Map<Scope, Entry>();

  constructor(clock: Clock, timing: Timing, resources: readonly Resource[]) {
    this.#clock = clock;
    this.#timing = timing;
    for (const resource of resources) {
      this.#all.set(scopeOf(resource.id), { now: stored(resource), changedAt: Number.NEGATIVE_INFINITY, before: undefined });
    }
  }

  get(id: string): Stored | undefined {
    return this.#all.get(scopeOf(id))?.now;
  }

  ofType(type: string): Stored[] {
    const wanted = type.toLowerCase();
    return this.#list(({ now }) => now).filter(({ resource }) => resource.type.toLowerCase() === wanted);
  }

  /** As Resource Graph sees them now. */
  indexed(): Stored[] {
    return this.#list((entry) => this.#indexed(entry));
  }

  put(resource: Resource): Stored {
    const scope = scopeOf(resource.id);
    const entry = this.#all.get(scope);
    const next = { ...stored(resource), ...(entry?.now && { resourceGuid: entry.now.resourceGuid }) };
    this.#change(scope, next);
    return next;
  }

  delete(id: string): void {
    this.#change(scopeOf(id), undefined);
  }

  #change(scope: Scope, now: Stored | undefined): void {
    const entry = this.#all.get(scope);
    this.#all.set(scope, { now, changedAt: this.#clock.now(), before: entry && this.#indexed(entry) });
  }

  #indexed(entry: Entry): Stored | undefined {
    return this.#clock.now() >= entry.changedAt + this.#timing.indexLag ? entry.now : entry.before;
  }

  #list(pick: (entry: Entry) => Stored | undefined): Stored[] {
    return [...this.#all.values()].map(pick).filter((one) => one !== undefined);
  }
}

const stored = (resource: Resource): Stored => ({ resource, etag: `W/"${randomUUID()}"`, resourceGuid: randomUUID() });
