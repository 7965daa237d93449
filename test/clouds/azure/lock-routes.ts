import { ArmError } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { type AuthorizationWorld, BASE, shown } from './authorization.ts';
import { list } from './exchange.ts';
import { lockBody } from './locks.ts';
import type { Call, Route } from './router.ts';

/** Locks at a scope, above it and below it. */
export function lockRoutes(world: AuthorizationWorld): Route[] {
  const read = (call: Call) => world.access.demand(call.caller, 'Microsoft.Authorization/locks/read', shown(call));
  return [
    {
      method: 'GET',
      path: `${BASE}/locks`,
      handle: (call) => {
        read(call);
        const scope = scopeOf(call.param('scope'));
        const below = /atScope\(\)/i.test(call.query.get('$filter') ?? '') ? [] : world.locks.below(scope);
        return list([...world.locks.over(scope), ...below].map(lockBody));
      },
    },
    {
      method: 'GET',
      path: `${BASE}/locks/{name}`,
      handle: (call) => {
        read(call);
        const lock = world.locks.get(call.param('scope'), call.param('name'));
        if (!lock) throw new ArmError(404, 'LockNotFound', `The lock '${call.param('name')}' could not be found.`);
        return { status: 200, body: lockBody(lock) };
      },
    },
  ];
}
