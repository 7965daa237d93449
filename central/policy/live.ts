import { type Cancel, type Clock, type Millis, SECOND } from '../../protocol/clock.ts';
import { watchFolder } from '../watch.ts';
import type { PolicyEngine } from './engine.ts';
import { isGood, type Report, readFolder, rehearse } from './folder.ts';
import { type PolicySet, readSet } from './set.ts';

/** Until the record takes it, a set that is not in the record is tried again. */
const RETRY: Millis = 5 * SECOND;

interface Told {
  /** A good set is about to be swapped in. When this fails the old one stays: no policy without its event. */
  loading(report: Report): void | Promise<void>;
  /** A set was refused; the old one stays. */
  refused(report: Report): void;
  /** A reading that nobody asked for failed: it is tried again. */
  failed(error: unknown): void;
}

/** Keeps the engine's set equal to the folder, as long as the folder holds a good set. */
export class LivePolicy {
  readonly #dir: string;
  readonly #engine: PolicyEngine;
  readonly #clock: Clock;
  readonly #told: Told;
  #unwatch: Cancel = () => {};
  #retry: Cancel = () => {};
  #closed = false;
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
    this.#unwatch = watchFolder(this.#dir, this.#clock, () => this.#follow());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unwatch();
    this.#retry();
    await this.#last;
  }

  /** A change that nobody waits for. */
  #follow(): void {
    this.#retry();
    void this.reload().catch((error: unknown) => {
      this.#told.failed(error);
      if (!this.#closed) this.#retry = this.#clock.after(RETRY, () => this.#follow());
    });
  }

  async #reload(): Promise<Report> {
    const { report, set } = await this.#read();
    if (!set || !isGood(report)) {
      this.#told.refused(report);
      return report;
    }
    if (set.version !== this.#version) await this.#told.loading(report);
    this.#version = set.version;
    return this.#engine.swap(set, () => ({ ok: true, report })).report;
  }

  async #read(): Promise<{ report: Report; set?: PolicySet }> {
    try {
      const read = readSet(await readFolder(this.#dir), this.#engine.roles);
      if ('findings' in read) return { report: { rules: 0, findings: read.findings, cases: [] } };
      return { report: rehearse(this.#engine, read.set), set: read.set };
    } catch (error) {
      return { report: { rules: 0, findings: [{ where: this.#dir, problem: (error as Error).message }], cases: [] } };
    }
  }
}
