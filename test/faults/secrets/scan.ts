import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** Where a secret could have got to: a file, what a process said, what came over a wire. */
export interface Sink {
  name: string;
  bytes: Buffer;
}

/**
 * What to look for: the secret as it is, as UTF-16, in hex, and inside base64 at each of the three places where it can begin.
 * A token carries it inside base64; whoever takes a token apart has it as it is.
 */
export function needlesOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at the edges depend on what is around.
    const sure = whole.slice(Math.ceil((before * 4) / 3), Math.floor(((before + bytes.length) * 4) / 3) - 1);
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const written = [...new Set([secret, ...inBase64, bytes.toString('hex')])].map((text) => Buffer.from(text));
  return [...written, Buffer.from(secret, 'utf16le')];
}

/** `sink: what is around it`, for each sink that holds one of the needles. */
export function hits(sinks: readonly Sink[], needles: readonly Buffer[]): string[] {
  return sinks.flatMap(({ name, bytes }) => {
    const at = needles.map((needle) => bytes.indexOf(needle)).find((place) => place >= 0);
    return at === undefined ? [] : [`${name}: …${bytes.toString('latin1', Math.max(0, at - 80), at + 20).replace(/[^ -~]/g, '.')}…`];
  });
}

/** Every file below a folder, whole: databases with their write-ahead logs, logs, caches. */
export function filesBelow(folder: string): Sink[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => ({ name: file, bytes: readFileSync(file) }));
}

/** How a process was started, as its user (environment) and everybody (arguments) can read it. */
export const startOf = (pid: number): Sink[] =>
  ['environ', 'cmdline'].map((name) => ({ name: `/proc/${pid}/${name}`, bytes: readFileSync(`/proc/${pid}/${name}`) }));

const CHUNK = 4 * 1_024 * 1_024;

/** How often needles stand in the writable memory of a process. Root only, Linux only. */
export async function copiesIn(pid: number, needles: readonly Buffer[]): Promise<number> {
  const longest = Math.max(...needles.map(({ length }) => length));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    let copies = 0;
    for (const [from, to] of writableOf(pid)) copies += await copiesBetween(memory, from, to, needles, longest);
    return copies;
  } finally {
    closeSync(memory);
  }
}

function writableOf(pid: number): [number, number][] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line): [number, number][] => {
      const [, from, to, what] = /^([0-9a-f]+)-([0-9a-f]+) rw.{2} \S+ \S+ \S+\s*(.*)$/.exec(line) ?? [];
      return from && to && !what?.startsWith('/dev/') ? [[Number.parseInt(from, 16), Number.parseInt(to, 16)]] : [];
    });
}

async function copiesBetween(memory: number, from: number, to: number, needles: readonly Buffer[], longest: number): Promise<number> {
  let copies = 0;
  const buffer = Buffer.alloc(CHUNK);
  for (let at = from; at < to; at += CHUNK - longest) {
    const read = readAt(memory, buffer, Math.min(CHUNK, to - at), at);
    // Whoever looks at hundreds of MiB must still answer pings meanwhile.
    await turn();
    // What begins in the overlap is counted by the next chunk.
    const own = at + read >= to ? read : CHUNK - longest;
    for (const needle of needles) {
      for (
        let found = buffer.indexOf(needle);
        found >= 0 && found < own && found + needle.length <= read;
        found = buffer.indexOf(needle, found + 1)
      )
        copies += 1;
    }
  }
  return copies;
}

/** Reserved memory that nothing stands in cannot be read. */
function readAt(memory: number, buffer: Buffer, length: number, position: number): number {
  buffer.fill(0);
  try {
    return readSync(memory, buffer, 0, length, position);
  } catch {
    return 0;
  }
}
