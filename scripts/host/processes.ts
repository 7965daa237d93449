// Finds and ends processes by the folder that they were started for: daemons outlive the editor that started them.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export interface Running {
  pid: number;
  command: string;
}

const ASKED_NICELY = 10_000;
const POLL = 100;

/** Processes, other than this one, whose environment or command line names the folder. */
export function processesOf(folder: string): Running[] {
  return (process.platform === 'linux' ? fromProc(folder) : fromPs(folder)).filter(({ pid }) => pid !== process.pid);
}

function fromProc(folder: string): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const command = contents(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      // A zombie has neither; it is waiting for its parent and holds nothing.
      const named = command.includes(folder) || contents(`/proc/${name}/environ`).includes(folder);
      return named && command !== '' ? [{ pid: Number(name), command }] : [];
    });
}

function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Somebody else's, or gone meanwhile.
    return '';
  }
}

function fromPs(folder: string): Running[] {
  const lines = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(folder)).map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));
}

/**
 * Ends them, first nicely. Gives those that had to be killed. Each is asked once, also one that another started on its way
 * out; and they are gone only when two looks in a row find none, for a look can miss one that is being started.
 */
export async function endProcessesOf(folder: string, patience = ASKED_NICELY): Promise<Running[]> {
  const asked = new Set<number>();
  const end = performance.now() + patience;
  for (let empty = 0; performance.now() < end; await wait(POLL)) {
    const running = processesOf(folder);
    empty = running.length === 0 ? empty + 1 : 0;
    if (empty === 2) return [];
    signal(
      running.filter(({ pid }) => !asked.has(pid)),
      'SIGTERM',
    );
    for (const { pid } of running) asked.add(pid);
  }
  const stubborn = processesOf(folder);
  signal(stubborn, 'SIGKILL');
  while (processesOf(folder).length > 0) await wait(POLL);
  return stubborn;
}

function signal(processes: Running[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone meanwhile.
    }
  }
}
