import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { EntryFile, negotiate } from '../../protocol/door.ts';

/** What an entry file says, or why it is not believed. */
export type EntryReading =
  | { ok: true; entry: EntryFile }
  /** `absent`: none. `dead`: its daemon has gone. `foreign`: not private to this person. `broken`: not an entry file. `other version`: alive, but speaks another protocol. */
  | { ok: false; why: 'absent' | 'dead' | 'foreign' | 'broken' | 'other version'; problem: string; entry?: EntryFile | undefined };

export interface EntryChecks {
  /** Of this process; undefined on Windows, where the person's own folder is what protects the file. */
  uid: number | undefined;
  isAlive(pid: number): boolean;
}

const LARGEST = 16 * 1_024;
const OTHERS = 0o077;

/** Reads an entry file as something that anybody might have put there. Never throws for what is in it. */
export async function readEntry(file: string, checks: EntryChecks): Promise<EntryReading> {
  const folder = await foreignFolder(path.dirname(file), checks.uid);
  if (folder) return folder;
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return hasCode(error, 'ENOENT')
      ? { ok: false, why: 'absent', problem: 'No daemon has left an entry file' }
      : { ok: false, why: 'foreign', problem: `The entry file ${file} cannot be read` };
  }
  try {
    const about = await handle.stat();
    if (!about.isFile() || about.size > LARGEST) return { ok: false, why: 'broken', problem: `${file} is not an entry file` };
    if (checks.uid !== undefined && (about.uid !== checks.uid || (about.mode & OTHERS) !== 0)) {
      return { ok: false, why: 'foreign', problem: `${file} is not private to you` };
    }
    return judge(file, await handle.readFile('utf8'), checks);
  } finally {
    await handle.close();
  }
}

function judge(file: string, text: string, checks: EntryChecks): EntryReading {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), EntryFile), text);
  if (!parsed.success) return { ok: false, why: 'broken', problem: `${file} is not an entry file that this version knows` };
  const entry = parsed.output;
  if (!checks.isAlive(entry.pid)) return { ok: false, why: 'dead', problem: `The daemon of process ${entry.pid} has gone`, entry };
  if (negotiate(entry.versions) === undefined) {
    const problem = `The running daemon has version ${entry.version}, which this editor cannot talk to`;
    return { ok: false, why: 'other version', problem, entry };
  }
  return { ok: true, entry };
}

async function foreignFolder(folder: string, uid: number | undefined): Promise<EntryReading | undefined> {
  try {
    const about = await lstat(folder);
    const ours = uid === undefined || (about.uid === uid && (about.mode & OTHERS) === 0);
    if (about.isDirectory() && ours) return undefined;
    return { ok: false, why: 'foreign', problem: `The folder ${folder} is not private to you` };
  } catch {
    return { ok: false, why: 'absent', problem: 'No daemon has run here yet' };
  }
}

/** Whether a process runs that this person may signal: a daemon of somebody else is none of ours. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code;
