import * as v from 'valibot';
import { ArmError, badRequest } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { type AuthorizationWorld, BASE, shown } from './authorization.ts';
import { list, type Reply } from './exchange.ts';
import { lockBody } from './locks.ts';
import type { Call, Route } from './router.ts';

const NewLock = v.object({
  properties: v.object({ level: v.picklist(['CanNotDelete', 'ReadOnly']), notes: v.optional(v.pipe(v.string(), v.maxLength(512))) }),
});

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
    { method: 'PUT', path: `${BASE}/locks/{name}`, handle: (call) => lock(world, call) },
    { method: 'DELETE', path: `${BASE}/locks/{name}`, handle: (call) => unlock(world, call) },
  ];
}

function lock({ access, locks }: AuthorizationWorld, call: Call): Reply {
  access.demand(call.caller, 'Microsoft.Authorization/locks/write', shown(call));
  const sent = v.safeParse(NewLock, call.body());
  if (!sent.success) throw badRequest('InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
  const [scope, name] = [call.param('scope'), call.param('name')];
  const status = locks.get(scope, name) ? 200 : 201;
  locks.add(scope, sent.output.properties.level, name, sent.output.properties.notes);
  const made = locks.get(scope, name);
  return { status, body: made && lockBody(made) };
}

function unlock({ access, locks }: AuthorizationWorld, call: Call): Reply {
  access.demand(call.caller, 'Microsoft.Authorization/locks/delete', shown(call));
  const [scope, name] = [call.param('scope'), call.param('name')];
  if (!locks.get(scope, name)) return { status: 204 };
  locks.remove(scope, name);
  return { status: 200 };
}
