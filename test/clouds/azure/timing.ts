import { HOUR, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';

/** How late the simulated Azure is. All in milliseconds of the injected clock unless said otherwise. */
export interface Timing {
  /** From an assignment to the first call that it allows. */
  usableLag: Millis;
  /** From the end of an assignment to the first call that is refused. */
  goneLag: Millis;
  /** A token issued after a change of assignments sees that change at once. */
  freshTokenRereads: boolean;
  /** How long the answer to a PIM request takes. */
  answerDelay: Millis;
  /** From the answer to a request that starts something to `Provisioned`: until then it is on the move, without power. */
  provisionLag: Millis;
  /** From the answer to a request that ends something to `Revoked`: until then it is on the move, and the power stands. */
  revokeLag: Millis;
  /** After activation: a deactivation is answered RoleAssignmentDoesNotExist although the role is active. */
  materialise: Millis;
  /** After activation: a deactivation is answered ActiveDurationTooShort. */
  minActive: Millis;
  /** After `Revoked`: another activation is answered RoleAssignmentExists. */
  stillHeld: Millis;
  /** After an assignment: lists do not show it. */
  listLag: Millis;
  /** After `Revoked`: the instance list shows an `Assigned` row without an end. */
  ghost: Millis;
  /** From a request that somebody must approve to the moment at which its approvers see it. */
  approvalLag: Millis;
  /** How long a request waits for its approvers. */
  approvalWindow: Millis;
  /** From a change of a resource to its row in Resource Graph. */
  indexLag: Millis;
  /** How long a long-running operation takes. */
  operation: Millis;
  /** Seconds, sent as Retry-After with long-running operations. */
  retryAfter: number;
  /** How long an access token lives. */
  tokenLife: Millis;
  /** Resource Graph queries per `queryWindow` and person. */
  queryQuota: number;
  queryWindow: Millis;
}

/** Nothing lags. For tests that are about something else. */
export const kind: Timing = {
  usableLag: 0,
  goneLag: 0,
  freshTokenRereads: true,
  answerDelay: 0,
  provisionLag: 0,
  revokeLag: 0,
  materialise: 0,
  minActive: 0,
  stillHeld: 0,
  listLag: 0,
  ghost: 0,
  approvalLag: 0,
  approvalWindow: 24 * HOUR,
  indexLag: 0,
  operation: 0,
  retryAfter: 0,
  tokenLife: 24 * HOUR,
  queryQuota: 15,
  queryWindow: 0,
};

/** Azure's manners at a pace that a person watches. Held and fresh tokens lag alike, so that the wait is seen. */
export const demo: Timing = {
  ...kind,
  usableLag: 2 * SECOND,
  goneLag: 2 * SECOND,
  freshTokenRereads: false,
  answerDelay: 400,
  materialise: 1500,
  minActive: 5 * SECOND,
  stillHeld: 3 * SECOND,
  listLag: SECOND,
  ghost: 4 * SECOND,
  indexLag: SECOND,
  tokenLife: HOUR,
  queryWindow: 5 * SECOND,
};

/** As measured on live tenants. */
export const field: Timing = {
  usableLag: 2 * MINUTE,
  goneLag: 2 * MINUTE,
  freshTokenRereads: true,
  answerDelay: 12 * SECOND,
  // What was measured answered with its last word.
  provisionLag: 0,
  revokeLag: 0,
  materialise: MINUTE,
  minActive: 5 * MINUTE,
  stillHeld: 2 * MINUTE,
  listLag: 62 * SECOND,
  ghost: 4 * MINUTE,
  approvalLag: 0,
  approvalWindow: 24 * HOUR,
  indexLag: 30 * SECOND,
  operation: 10 * SECOND,
  retryAfter: 10,
  tokenLife: 75 * MINUTE,
  queryQuota: 15,
  queryWindow: 5 * SECOND,
};
