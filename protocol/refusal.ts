import * as v from 'valibot';
import { fitted } from './fit.ts';

/** Every expected "no". A refusal is a value: it changes nothing and names the way out. */
export const RefusalCode = v.picklist([
  'bad-input', // a field breaks a rule; `field` names it
  'not-signed-in',
  'not-found',
  'not-eligible', // no rule lets this person ask for this
  'refused-by-policy',
  'not-yours', // only the holder, requester or an approver may do this
  'self-approval',
  'too-late', // already decided, ended or lapsed
  'already-elevated',
  'cannot-extend',
  'locked', // a resource lock would keep the cloud from taking the right back
  'unreachable', // central or the cloud does not answer; nothing was changed
  'unhealthy', // no durable record possible: no new power
  'forked', // the record that was sent is not the one that was sent before
  'still-held', // what is held must be gone first
  'rate-limited',
  'unsupported',
]);
export type RefusalCode = v.InferOutput<typeof RefusalCode>;

export const Refusal = v.object({
  code: RefusalCode,
  /** One sentence for a person. */
  message: v.pipe(v.string(), v.maxLength(2_000)),
  field: v.optional(v.pipe(v.string(), v.maxLength(100))),
  /** What to do next. */
  wayOut: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
});
export type Refusal = v.InferOutput<typeof Refusal>;

/** Success with its value, or a refusal. */
export type Answer<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export const yes = <T>(value: T): Answer<T> => ({ ok: true, value });

/** Words of clouds are in them: they are cut to what may be told. */
export function no(code: RefusalCode, message: string, more: { field?: string; wayOut?: string } = {}): { ok: false; refusal: Refusal } {
  const refusal = { code, message, ...more };
  return { ok: false, refusal: fitted(Refusal, refusal) ?? refusal };
}

export const answerOf = <S extends v.GenericSchema>(value: S) =>
  v.variant('ok', [v.object({ ok: v.literal(true), value }), v.object({ ok: v.literal(false), refusal: Refusal })]);
