import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/**
 * Runs one contestant in a process of its own, so that nobody's garbage is swept on another's time.
 * The file reads its settings as JSON from its first argument and writes its result as JSON to stdout: `answer` below.
 * @param limit Milliseconds; what takes longer is ended and counts as a failure.
 */
export async function contest<Result>(file: string, settings: unknown, limit: number): Promise<Result> {
  const child = spawn(process.execPath, ['--expose-gc', path.join(import.meta.dirname, file), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    const [code, signal] = await once(child, 'close');
    if (code !== 0) throw new Error(`${file} ended with ${code ?? signal}${signal === 'SIGKILL' ? `, longer than ${limit} ms` : ''}`);
    return JSON.parse(said) as Result;
  } finally {
    clearTimeout(timer);
  }
}

/** The other end: what a contestant's file does when it is started. */
export async function answer<Settings, Result>(measure: (settings: Settings) => Promise<Result>): Promise<void> {
  const result = await measure(JSON.parse(process.argv[2] ?? '{}') as Settings);
  process.stdout.write(JSON.stringify(result));
}
