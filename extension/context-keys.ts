import { CONTEXT, type ContextKey } from './contributions.ts';
import { deciding, extendable, revocable, signedInTo, signedOutOf, type View, waiting } from './view.ts';

/** What is true now, for the `when` clauses of the manifest. */
export function contextOf(view: View, filtered: boolean): Record<ContextKey, boolean | string> {
  const connected = view.link.state === 'connected';
  const signedOut = connected && signedOutOf(view).length > 0 && !signedInTo(view).some(({ to }) => to !== 'central');
  return {
    link: view.link.state,
    signedOut,
    mayAsk: connected && !signedOut && view.state?.unhealthy === undefined,
    signedIn: connected && signedInTo(view).length > 0,
    holding: connected && revocable(view).length > 0,
    extendable: connected && extendable(view).length > 0,
    waiting: connected && waiting(view).length > 0,
    deciding: connected && deciding(view).length > 0,
    filtered,
    listed: view.state?.inventory.fetchedAt !== undefined && !view.state.inventory.refreshing,
  };
}

/** Tells the editor only what differs from what it was told before. */
export class ContextKeys {
  readonly #set: (key: string, value: boolean | string) => void;
  readonly #told = new Map<string, boolean | string>();

  /** @param set Runs the editor's command `setContext`. */
  constructor(set: (key: string, value: boolean | string) => void) {
    this.#set = set;
  }

  update(values: Record<ContextKey, boolean | string>): void {
    for (const [name, key] of Object.entries(CONTEXT)) {
      const value = values[name as ContextKey];
      if (this.#told.get(key) === value) continue;
      this.#told.set(key, value);
      this.#set(key, value);
    }
  }
}
