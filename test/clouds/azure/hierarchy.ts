import { type Scope, scopeOf, subscriptionOf } from './arm-id.ts';

/** Which scope lies inside which: tenant root, one management group with every subscription, and ids below. */
export class Hierarchy {
  readonly #group: Scope;
  readonly #subscriptions: ReadonlySet<string>;

  constructor(managementGroup: string, subscriptions: readonly string[]) {
    this.#group = scopeOf(`/providers/Microsoft.Management/managementGroups/${managementGroup}`);
    this.#subscriptions = new Set(subscriptions.map((id) => id.toLowerCase()));
  }

  within(scope: Scope, ancestor: Scope): boolean {
    if (ancestor === '/' || scope === ancestor) return true;
    if (ancestor === this.#group) return this.#subscriptions.has(subscriptionOf(scope) ?? '');
    return scope.startsWith(ancestor) && scope[ancestor.length] === '/';
  }
}
