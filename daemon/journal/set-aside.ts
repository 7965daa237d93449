import type { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { readJson } from '../../protocol/json.ts';

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

export function noteSetAside(db: DatabaseSync, note: SetAside): void {
  db.prepare("INSERT OR REPLACE INTO fact (name, value) VALUES ('set aside', ?)").run(JSON.stringify(note));
}

export function readSetAside(db: DatabaseSync): SetAside | undefined {
  const value = db.prepare("SELECT value FROM fact WHERE name = 'set aside'").get()?.['value'];
  const note = v.safeParse(SetAside, typeof value === 'string' ? readJson(value) : undefined);
  return note.success ? note.output : undefined;
}
