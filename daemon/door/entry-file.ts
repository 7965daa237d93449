import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import * as v from 'valibot';
import { EntryFile } from '../../protocol/door.ts';
import type { Secret } from '../secret.ts';
import { hexOfBytes } from './secrets.ts';

const LARGEST = 4_096;

/**
 * Written whole into a file of its own that nobody else can have made, then put in place in one step. The secret goes from
 * bytes to bytes.
 */
export function writeEntry(file: string, entry: Omit<EntryFile, 'secret'>, secret: Secret): void {
  const fresh = `${file}.${entry.instance}`;
  const fd = openSync(fresh, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    writeSync(fd, `${JSON.stringify(entry).slice(0, -1)},"secret":"`);
    const digits = secret.use(hexOfBytes);
    writeSync(fd, digits);
    digits.fill(0);
    writeSync(fd, '"}');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
}

/**
 * What an entry file says, or undefined: it is untrusted until the proof.
 * @param uid Effective user id; undefined on Windows.
 * @param alive Whether a process with this id runs.
 */
export function readEntry(file: string, uid: number | undefined, alive: (pid: number) => boolean): EntryFile | undefined {
  const parsed = v.safeParse(EntryFile, readJson(file, uid));
  return parsed.success && alive(parsed.output.pid) ? parsed.output : undefined;
}

/** Removes the entry file when it is this instance's own; a winner's stays. */
export function removeEntry(file: string, instance: string, uid: number | undefined): void {
  const parsed = v.safeParse(EntryFile, readJson(file, uid));
  if (parsed.success && parsed.output.instance === instance) unlinkSync(file);
}

/** Signal 0 asks the kernel only. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readJson(file: string, uid: number | undefined): unknown {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LARGEST) return undefined;
    if (uid !== undefined && (stat.uid !== uid || (stat.mode & 0o077) !== 0)) return undefined;
    return JSON.parse(readFileSync(fd, 'utf8'));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
