import { accessSync, constants } from 'node:fs';

/** Whether this is a program that this user may run. */
export function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
