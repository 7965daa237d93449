import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { WELL_KNOWN } from '../../protocol/central-api.ts';
import { CENTRAL } from '../support/built.ts';

const START_LIMIT = 20_000;
const STOP_LIMIT = 10_000;
const POLL = 50;

/** What a harness changes about a process: flags of Node, environment over this one's. */
export interface HowToRun {
  flags?: readonly string[] | undefined;
  env?: Record<string, string> | undefined;
  /** Told of each process that is started. */
  started?: ((child: ChildProcess) => unknown) | undefined;
}

/** Central as people run it: the built bundle in a process of its own. It can be stopped, killed and started again. */
export class CentralProcess {
  readonly url: string;
  readonly #config: string;
  readonly log: string;
  readonly #run: HowToRun;
  readonly #agent: Agent;
  #child: ChildProcess | undefined;

  constructor(parts: { url: string; ca: string; config: string; log: string; run?: HowToRun | undefined }) {
    this.url = parts.url;
    this.#config = parts.config;
    this.log = parts.log;
    this.#run = parts.run ?? {};
    this.#agent = new Agent({ connect: { ca: parts.ca } });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts the process and does not wait for it. */
  launch(): void {
    const { flags = [], env = {}, started } = this.#run;
    const log = openSync(this.log, 'a');
    // A group of its own: Ctrl-C in a terminal must not end it before those who need it.
    const options: SpawnOptions = { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...env } };
    this.#child = spawn(process.execPath, [...flags, CENTRAL, '--config', this.#config], options);
    started?.(this.#child);
    closeSync(log);
  }

  /** Resolves when it answers. @throws Error when it has ended, or does not answer in time. */
  async ready(): Promise<void> {
    const child = this.#child;
    const end = performance.now() + START_LIMIT;
    while (!(await this.#answers())) {
      if (!child || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`central ended with ${child?.exitCode ?? child?.signalCode}: ${this.#lastWords()}`);
      if (performance.now() > end) throw new Error(`central did not answer within ${START_LIMIT / 1_000} s: ${this.#lastWords()}`);
      await wait(POLL);
    }
  }

  /** The log goes with the folder that it is in. */
  #lastWords(): string {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-3).join('\n');
  }

  /** As an operator stops it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** As a machine that loses its power stops it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#agent.close();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    await gone;
    clearTimeout(kill);
  }

  async #answers(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}${WELL_KNOWN}`, { dispatcher: this.#agent });
      await response.text();
      return response.ok;
    } catch {
      return false;
    }
  }
}
