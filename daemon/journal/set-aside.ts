import type { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { readJson } from '../../protocol/json.ts';
import { Facts } from './facts.ts';

const SetAside = v.object({
  /** When it was found damaged. */
  at: v.number(),
  /** What it is called now. */
  file: v.string(),
  /** It stands in the record. */
  told: v.optional(v.boolean()),
  /** Found while a daemon ran that knew what it held: nothing of that is lost. */
  rebuilt: v.optional(v.boolean()),
});

/** The journal before this one was damaged: what it held is not known. */
export type SetAside = v.InferOutput<typeof SetAside>;

const FACT = 'set aside';

export function noteSetAside(db: DatabaseSync, note: SetAside): void {
  new Facts(db).set(FACT, JSON.stringify(note));
}

export function readSetAside(db: DatabaseSync): SetAside | undefined {
  const value = new Facts(db).get(FACT);
  const note = v.safeParse(SetAside, value === undefined ? undefined : readJson(value));
  return note.success ? note.output : undefined;
}
