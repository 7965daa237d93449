import { ArmError } from './arm-error.ts';
import { type Scope, scopeOf } from './arm-id.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { JsonObject } from './json.ts';

export interface Lock {
  name: string;
  scope: Scope;
  level: 'CanNotDelete' | 'ReadOnly';
  notes?: string | undefined;
}

/** Management locks: they hold what lies below them, assignments included. */
export class Locks {
  readonly #hierarchy: Hierarchy;
  /** Called before a lock changes, so that what fell due before meets the locks of its own time. */
  readonly #before: () => void;
  readonly #all = new Map<string, Lock>();

  constructor(hierarchy: Hierarchy, locks: readonly Lock[], before: () => void) {
    this.#hierarchy = hierarchy;
    this.#before = before;
    for (const lock of locks) this.#all.set(key(lock.scope, lock.name), { ...lock, scope: scopeOf(lock.scope) });
  }

  add(scope: string, level: Lock['level'] = 'CanNotDelete', name = 'portcullis-test', notes?: string): void {
    this.#before();
    this.#all.set(key(scope, name), { scope: scopeOf(scope), level, name, notes });
  }

  remove(scope: string, name = 'portcullis-test'): void {
    this.#before();
    this.#all.delete(key(scope, name));
  }

  get(scope: string, name: string): Lock | undefined {
    return this.#all.get(key(scope, name));
  }

  /** Those at the scope and above it: they apply here. */
  over(scope: Scope): Lock[] {
    return [...this.#all.values()].filter((lock) => this.#hierarchy.within(scope, lock.scope));
  }

  below(scope: Scope): Lock[] {
    return [...this.#all.values()].filter((lock) => lock.scope !== scope && this.#hierarchy.within(lock.scope, scope));
  }

  refuseWrite(id: string): void {
    const locks = this.over(scopeOf(id)).filter(({ level }) => level === 'ReadOnly');
    if (locks.length > 0) throw scopeLocked(id, 'write', locks);
  }

  refuseDelete(id: string): void {
    const locks = this.over(scopeOf(id));
    if (locks.length > 0) throw scopeLocked(id, 'delete', locks);
  }
}

const key = (scope: string, name: string): string => `${scopeOf(scope)}|${name.toLowerCase()}`;

const scopeLocked = (id: string, operation: string, locks: Lock[]): ArmError =>
  new ArmError(
    409,
    'ScopeLocked',
    `The scope '${id}' cannot perform ${operation} operation because following scope(s) are locked: '${locks.map(({ scope }) => scope).join(',')}'. Please remove the lock and try again.`,
  );

export function lockBody(lock: Lock): JsonObject {
  const scope = lock.scope === '/' ? '' : lock.scope;
  return {
    id: `${scope}/providers/Microsoft.Authorization/locks/${lock.name}`,
    type: 'Microsoft.Authorization/locks',
    name: lock.name,
    properties: { level: lock.level, ...(lock.notes && { notes: lock.notes }) },
  };
}
