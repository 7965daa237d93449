import { mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { type Clock, SECOND, sleep } from '../../../protocol/clock.ts';

const Source = v.object({
  /** An OpenID token endpoint that takes refresh tokens. */
  tokenEndpoint: v.pipe(v.string(), v.url()),
  clientId: v.string(),
  refreshToken: v.string(),
  /** PEM of the authority to trust. */
  caFile: v.string(),
  scope: v.string(),
});
/** Where tokens for one resource come from. */
export type AzSource = v.InferOutput<typeof Source>;

const Profile = v.object({
  tenantId: v.string(),
  subscription: v.string(),
  /** Who is signed in. */
  user: v.string(),
  /** By resource, without a slash at its end. Empty when nobody is signed in. */
  sources: v.record(v.string(), Source),
});
export type AzProfile = v.InferOutput<typeof Profile>;

export const readProfile = (file: string): AzProfile => v.parse(Profile, JSON.parse(readFileSync(file, 'utf8')));

/** Whole or not at all. */
export function writeProfile(file: string, profile: AzProfile): void {
  const next = `${file}.${process.pid}`;
  writeFileSync(next, JSON.stringify(profile, undefined, 2), { mode: 0o600 });
  renameSync(next, file);
}

/** A holder that died leaves its lock; nobody needs a token for so long. */
const STALE = 15 * SECOND;

/**
 * Runs `act` while no other process does. Two that spend one refresh token at once look like theft to a provider that
 * rotates them, and it then revokes the sign-in.
 */
export async function alone<T>(file: string, clock: Clock, act: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  while (!taken(lock)) {
    if (ageOf(lock, clock) > STALE) release(lock);
    else await sleep(clock, 25);
  }
  try {
    return await act();
  } finally {
    release(lock);
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

const ageOf = (lock: string, clock: Clock): number => {
  const found = statSync(lock, { throwIfNoEntry: false });
  return found ? clock.now() - found.mtimeMs : 0;
};

function release(lock: string): void {
  try {
    rmdirSync(lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
