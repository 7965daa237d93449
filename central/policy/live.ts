import type { Cancel, Clock } from '../../protocol/clock.ts';
import { watchFolder } from '../watch.ts';
import type { PolicyEngine } from './engine.ts';
import { install, isGood, type Report, readFolder } from './folder.ts';
import { readSet } from './set.ts';

interface Told {
  /** A set was swapped in. */
  loaded(report: Report): void | Promise<void>;
  /** A set was refused; the old one stays. */
  refused(report: Report): void;
}

/** Keeps the engine's set equal to the folder, as long as the folder holds a good set. */
export class LivePolicy {
  readonly #dir: string;
  readonly #engine: PolicyEngine;
  readonly #clock: Clock;
  readonly #told: Told;
  #unwatch: Cancel = () => {};
  #version: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(dir: string, engine: PolicyEngine, clock: Clock, told: Told) {
    this.#dir = dir;
    this.#engine = engine;
    this.#clock = clock;
    this.#told = told;
  }

  /** Reads the folder now. Reloads take turns. */
  reload(): Promise<Report> {
    const turn = this.#last.then(() => this.#reload());
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  watch(): void {
    this.#unwatch = watchFolder(this.#dir, this.#clock, () => void this.reload().catch(() => undefined));
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.#last;
  }

  async #reload(): Promise<Report> {
    const report = await this.#read();
    if (!isGood(report)) this.#told.refused(report);
    else if (report.version !== this.#version) {
      this.#version = report.version;
      await this.#told.loaded(report);
    }
    return report;
  }

  async #read(): Promise<Report> {
    try {
      const read = readSet(await readFolder(this.#dir), this.#engine.roles);
      return 'set' in read ? install(this.#engine, read.set) : { rules: 0, findings: read.findings, cases: [] };
    } catch (error) {
      return { rules: 0, findings: [{ where: this.#dir, problem: (error as Error).message }], cases: [] };
    }
  }
}
