import { PORTCULLIS } from '../../support/built.ts';
import { spawnTied } from './brood.ts';

export interface Ran {
  status: number;
  out: string;
  err: string;
}

/** Runs the built command line with an environment of its own. */
export async function runCli(argv: readonly string[], env: Record<string, string>): Promise<Ran> {
  const child = spawnTied(process.execPath, [PORTCULLIS, ...argv], {
    cwd: '/',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout?.on('data', (data) => {
    said.out += String(data);
  });
  child.stderr?.on('data', (data) => {
    said.err += String(data);
  });
  const status = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  return { status, ...said };
}
