import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How desktop VS Code's command was called. */
export interface CodeCall {
  args: string[];
  env: NodeJS.ProcessEnv;
}

export interface FakeCode {
  /** To be put on the PATH. */
  bin: string;
  command: string;
  calls(): CodeCall[];
}

/** A `code` that writes down how it is called. As the real one, it ends at once and leaves the process of a window behind. */
export function fakeCode(folder: string): FakeCode {
  const [bin, record] = [path.join(folder, 'code-bin'), path.join(folder, 'code-calls')];
  const command = path.join(bin, 'code');
  mkdirSync(bin, { recursive: true });
  const script = `#!${process.execPath}
const { appendFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(record)}, JSON.stringify({ args, env: process.env }) + '\\n');
if (args.includes('--new-window'))
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '--', ...args], { detached: true, stdio: 'ignore' }).unref();
`;
  writeFileSync(command, script, { mode: 0o755 });
  const lines = () => (existsSync(record) ? readFileSync(record, 'utf8').trimEnd().split('\n') : []);
  return { bin, command, calls: () => lines().map((line) => JSON.parse(line) as CodeCall) };
}
