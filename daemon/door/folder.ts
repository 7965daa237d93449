import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { Fault } from '../../protocol/fault.ts';

/**
 * Makes a folder that only this person may enter, and verifies it: ours, 0700, a real folder. One that others could only look
 * into is tightened; one that they could write to is refused.
 * @param uid Effective user id; undefined on Windows, where the profile's own access list guards it.
 * @throws Fault `configuration-invalid`.
 */
export function privateFolder(path: string, uid: number | undefined): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault('configuration-invalid', `The folder ${path} cannot be made`, { cause, wayOut: 'Check who owns the folder above it.' });
  }
  if (uid === undefined) return;
  const before = lstatSync(path);
  if (before.isSymbolicLink() || !before.isDirectory()) throw refused(path, 'is not a real folder');
  if (before.uid !== uid) throw refused(path, 'belongs to somebody else');
  // What is in it may be somebody else's work.
  if ((before.mode & 0o022) !== 0) throw refused(path, 'could be written by others');
  // Ours, so tightening it is ours to do; loosened again in between, the check below sees it.
  if ((before.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  if ((lstatSync(path).mode & 0o777) !== 0o700) throw refused(path, 'can be entered by others');
}

function refused(path: string, why: string): Fault {
  return new Fault('configuration-invalid', `The folder ${path} ${why}`, { wayOut: `Remove or rename ${path}; it is made anew.` });
}
