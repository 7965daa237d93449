import * as v from 'valibot';

const uuid = v.pipe(v.string(), v.uuid());

/** A grant: central's time-boxed truth, or one activation in Entra PIM. Also the cloud's idempotency key. */
export const GrantId = v.pipe(uuid, v.brand('GrantId'));
export type GrantId = v.InferOutput<typeof GrantId>;

/** An elevation request. */
export const RequestId = v.pipe(uuid, v.brand('RequestId'));
export type RequestId = v.InferOutput<typeof RequestId>;

/**
 * A load balancer or a part of one: `<provider>:<the cloud's own id>`, in lower case because clouds compare so.
 * Example: `azure:/subscriptions/…/providers/microsoft.network/loadbalancers/prod-edge/backendaddresspools/web`.
 */
export const ResourceId = v.pipe(
  v.string(),
  v.maxLength(2_048),
  v.regex(/^(azure|aws|gcp):[!-@[-~]+$/, 'A resource id is "<provider>:<id>" in lower case, without spaces'),
  v.brand('ResourceId'),
);
export type ResourceId = v.InferOutput<typeof ResourceId>;

/** A role of the catalogue (`backends`), or a cloud's own role (`azure/<role definition guid>`). */
export const RoleId = v.pipe(
  v.string(),
  v.maxLength(120),
  v.regex(/^[a-z0-9][a-z0-9/_.-]*$/, 'A role id has lower-case letters, digits, "-", "_", "." and "/"'),
  v.brand('RoleId'),
);
export type RoleId = v.InferOutput<typeof RoleId>;

/** A person as their identity provider names them: stable, never an e-mail address. */
export const PersonId = v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.brand('PersonId'));
export type PersonId = v.InferOutput<typeof PersonId>;
