import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { After } from '../door/real-daemon.ts';
import type { Told } from './extension-process.ts';

/** A process in the place of an editor's extension host. */
export class EditorProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data) => {
        this.#said += String(data);
      });
  }

  static async start(t: After): Promise<EditorProcess> {
    // A snapshot cuts long strings, and a token at its end would not be found.
    const flags = ['--heap-snapshot-string-limit=1000000'];
    const child = spawn(process.execPath, [...flags, path.join(import.meta.dirname, 'extension-process.ts')], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const editor = new EditorProcess(child);
    t.after(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    });
    await editor.#answer();
    return editor;
  }

  /** What it has printed. */
  get said(): string {
    return this.#said;
  }

  async tell<T>(told: Told): Promise<T> {
    this.#child.send(told);
    return (await this.#answer()) as T;
  }

  async #answer(): Promise<unknown> {
    const ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`The editor's process ended with ${code}: ${this.#said}`);
    });
    ended.catch(() => {});
    const [{ ok, value }] = (await Promise.race([once(this.#child, 'message'), ended])) as [{ ok: boolean; value: unknown }];
    if (!ok) throw new Error(String(value));
    return value;
  }
}
