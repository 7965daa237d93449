import type { BaseIssue } from 'valibot';
import type { Fault } from '../../protocol/fault.ts';
import { no, type Refusal, type RefusalCode } from '../../protocol/refusal.ts';
import { fieldOf, ruleOf } from '../configuration/issues.ts';

/** HTTP status of each refusal. */
export const STATUS: Record<RefusalCode, number> = {
  'bad-input': 400,
  'not-signed-in': 401,
  'not-eligible': 403,
  'refused-by-policy': 403,
  'not-yours': 403,
  'self-approval': 403,
  'not-found': 404,
  'too-late': 409,
  'already-elevated': 409,
  'cannot-extend': 409,
  forked: 409,
  'still-held': 409,
  locked: 409,
  unreachable: 409,
  unhealthy: 409,
  unsupported: 409,
  'rate-limited': 429,
};

/** Names the field, the rule and the way out. */
export function badInput(issues: readonly BaseIssue<unknown>[]): { ok: false; refusal: Refusal } {
  const [issue] = issues;
  if (!issue) return no('bad-input', 'The request cannot be read');
  const field = (fieldOf(issue) ?? 'body').slice(0, 100);
  const wayOut = issue.type === 'strict_object' && issue.expected === 'never' ? 'Leave it out' : undefined;
  return no('bad-input', `${field}: ${ruleOf(issue)}`.slice(0, 2_000), { field, ...(wayOut ? { wayOut } : {}) });
}

/** An outcome that central itself does not know is not a refusal: nobody may take it for one. */
export const statusOf = ({ code }: Fault): number | undefined => (code === 'central-unreachable' ? 503 : undefined);

/** A fault that came before anything was changed, or that leaves open whether it was, in public words. */
export function refusedByFault(fault: Fault): { ok: false; refusal: Refusal } {
  const wayOut = fault.wayOut ?? (fault.retryable ? 'Try again' : undefined);
  const code = fault.code === 'store-failed' ? 'unhealthy' : 'unreachable';
  return no(code, fault.message.slice(0, 2_000), wayOut ? { wayOut } : {});
}
