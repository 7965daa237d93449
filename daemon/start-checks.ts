import { writeFileSync } from 'node:fs';
import { type Clock, sleep } from '../protocol/clock.ts';
import { Fault } from '../protocol/fault.ts';

const OLDEST_NODE = 24;

export const isNewEnough = (nodeVersion: string): boolean => Number.parseInt(nodeVersion, 10) >= OLDEST_NODE;

/**
 * What the daemon cannot do without, asked for before anything is opened.
 * @throws Fault `not-supported-here` that names what is missing.
 */
export async function checkMachine(clock: Clock, nodeVersion: string, importSqlite: () => Promise<unknown>): Promise<void> {
  if (!isNewEnough(nodeVersion)) throw missing(`Node ${nodeVersion} is too old`, `Use Node ${OLDEST_NODE} or newer`);
  try {
    await importSqlite();
  } catch (cause) {
    throw missing('This Node has no node:sqlite', 'Choose another Node for the daemon', cause);
  }
  const [wall, boot] = [clock.now(), clock.boot()];
  await sleep(clock, 50);
  if (!(clock.boot() > boot)) throw missing('The clock since boot stands still here', 'Run the daemon outside this container');
  if (!Number.isFinite(wall)) throw missing('There is no wall clock', 'Check the machine');
}

/** Keeps this process's memory out of core files, where Linux lets a process say so. */
export function keepOutOfCoreFiles(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Another system, or a sandbox that has none.
  }
}

function missing(what: string, wayOut: string, cause?: unknown): Fault {
  return new Fault('not-supported-here', what, { wayOut: `${wayOut}.`, cause });
}
