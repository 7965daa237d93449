import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { Account, LoadBalancer } from '../../protocol/model.ts';

/** Names and ids of what was seen last, so that the first picture is instant. No secrets; only this person may read it. */
export const Seen = v.object({
  schema: v.literal(1),
  /** Who saw it: another person must not. */
  personId: v.string(),
  fetchedAt: v.number(),
  accounts: v.array(Account),
  balancers: v.array(LoadBalancer),
});
export type Seen = v.InferOutput<typeof Seen>;

/** Undefined when there is none, or it is not understood: then the cloud is asked. */
export function readSeen(file: string): Seen | undefined {
  try {
    const parsed = v.safeParse(Seen, JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** A cache: that it cannot be written is no reason to fail. */
export function writeSeen(file: string, seen: Seen): void {
  const fresh = `${file}.${randomUUID()}`;
  try {
    writeFileSync(fresh, JSON.stringify(seen), { mode: 0o600, flag: 'wx' });
    renameSync(fresh, file);
  } catch {
    try {
      rmSync(fresh, { force: true });
    } catch {
      // Nothing was written there either.
    }
  }
}
