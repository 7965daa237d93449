import type { Client } from '../../protocol/client.ts';
import type { Cancel, Clock, Millis } from '../../protocol/clock.ts';
import type { EntryFile } from '../../protocol/door.ts';
import type { Link } from '../link.ts';
import type { EntryReading } from './entry.ts';
import type { Ended } from './start.ts';

export interface ConnectionParts {
  clock: Clock;
  /** 0 to 1, to keep several windows from trying at the same instant. */
  random(): number;
  readEntry(): Promise<EntryReading>;
  /** Opens the wire and proves both sides. Rejects when nobody answers there, or when the signal says that it took too long. */
  open(entry: EntryFile, signal: AbortSignal): Promise<Client>;
  /** Starts a daemon. Rejects when the program cannot be started at all. */
  start(): Promise<{ ended: Promise<Ended> }>;
  onLink(link: Link, client: Client | undefined): void;
}

/** A new daemon says where it is within this time, or has failed. */
const STARTED_WITHIN: Millis = 15_000;
const LOOK_EVERY: Millis = 60;
/** A daemon that takes longer to say hello is stuck. */
const OPEN_WITHIN: Millis = 5_000;
const RELAUNCH_AFTER: Millis = 700;
/** Another window or a terminal may start a daemon at any time. */
const LOOK_WHILE_ABSENT: Millis = 1_000;
const FIRST_RETRY: Millis = 1_000;
const LONGEST_RETRY: Millis = 60_000;
/** A daemon that cannot run here will not by trying: after this many starts in a row only a person starts it. */
const STARTS_IN_A_ROW = 5;

/** Keeps one link to the person's daemon: finds it, starts it when none runs, and says so at once when it is lost. */
export class Connection {
  readonly #parts: ConnectionParts;
  #client: Client | undefined;
  #failedStarts = 0;
  #lastProblem: { problem: string; wayOut?: string | undefined } | undefined;
  /** Every attempt has a number: what an overtaken one still does is dropped. */
  #attempt = 0;
  #cancelRetry: Cancel = () => {};
  #closed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Connects, and starts a daemon when none runs. Also what *Start* does. */
  open(): Promise<void> {
    this.#failedStarts = 0;
    return this.#try();
  }

  /** Says hello again, with settings that have changed. The old connection stays until the new one is there. */
  async renew(): Promise<void> {
    const old = this.#client;
    const reading = await this.#parts.readEntry();
    if (!old || !reading.ok) return;
    const client = await this.#reach(reading.entry);
    if (this.#closed || this.#client !== old) return client?.close();
    if (!client) return;
    this.#connected(client);
    old.close();
  }

  close(): void {
    this.#closed = true;
    this.#attempt++;
    this.#cancelRetry();
    const client = this.#client;
    this.#client = undefined;
    client?.close();
  }

  async #try(): Promise<void> {
    if (this.#closed || this.#client) return;
    this.#cancelRetry();
    const attempt = ++this.#attempt;
    const overtaken = () => this.#closed || attempt !== this.#attempt;
    const reading = await this.#parts.readEntry();
    if (overtaken()) return;
    if (reading.ok) {
      const client = await this.#reach(reading.entry);
      if (overtaken()) return client?.close();
      if (client) return this.#connected(client);
    }
    if (!reading.ok && reading.why === 'other version') return this.#absent(reading.problem, OTHER_VERSION);
    if (this.#failedStarts >= STARTS_IN_A_ROW)
      return this.#absent(this.#lastProblem?.problem ?? 'The daemon does not stay up', this.#lastProblem?.wayOut);
    await this.#start(overtaken);
  }

  async #start(overtaken: () => boolean): Promise<void> {
    const { clock } = this.#parts;
    const end = clock.boot() + STARTED_WITHIN;
    let starting = await this.#launch();
    while (!overtaken()) {
      const client = await this.#look();
      if (overtaken()) return client?.close();
      if (client) return this.#connected(client);
      if (starting.ended && !starting.ended.ok) return this.#failed(starting.ended.problem, starting.ended.wayOut);
      if (clock.boot() >= end) return this.#failed('The daemon did not come up in time');
      await this.#pause(starting.ended ? RELAUNCH_AFTER : LOOK_EVERY);
      // It found another daemon, which is on its way out: the next one may stay.
      if (starting.ended?.ok && !overtaken()) starting = await this.#launch();
    }
  }

  async #launch(): Promise<{ ended?: Ended }> {
    const starting: { ended?: Ended } = {};
    try {
      const started = await this.#parts.start();
      void started.ended.then((how) => {
        starting.ended = how;
      });
    } catch (error) {
      starting.ended = { ok: false, problem: error instanceof Error ? error.message : 'The daemon could not be started' };
    }
    return starting;
  }

  async #look(): Promise<Client | undefined> {
    const reading = await this.#parts.readEntry();
    return reading.ok ? this.#reach(reading.entry) : undefined;
  }

  async #reach(entry: EntryFile): Promise<Client | undefined> {
    const controller = new AbortController();
    const cancel = this.#parts.clock.after(OPEN_WITHIN, () => controller.abort());
    try {
      return await this.#parts.open(entry, controller.signal);
    } catch {
      return undefined;
    } finally {
      cancel();
    }
  }

  #connected(client: Client): void {
    this.#client = client;
    this.#failedStarts = 0;
    client.onClose((why) => {
      if (this.#client === client) this.#lost(why);
    });
    this.#parts.onLink({ state: 'connected' }, client);
  }

  #lost(why: string): void {
    this.#client = undefined;
    if (this.#closed) return;
    this.#parts.onLink({ state: 'lost', why }, undefined);
    void this.#try();
  }

  #failed(problem: string, wayOut?: string): void {
    this.#failedStarts++;
    this.#lastProblem = { problem, wayOut };
    this.#absent(problem, wayOut);
  }

  #absent(problem: string, wayOut?: string): void {
    this.#parts.onLink({ state: 'absent', problem, wayOut }, undefined);
    const backoff = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** this.#failedStarts);
    this.#wait(this.#parts.clock.boot() + backoff * (0.5 + this.#parts.random() / 2));
  }

  /** Until it is time to start one again, looks whether somebody else has. */
  #wait(until: Millis): void {
    this.#cancelRetry = this.#parts.clock.after(LOOK_WHILE_ABSENT, () => {
      if (this.#parts.clock.boot() >= until) return void this.#try();
      const attempt = this.#attempt;
      void this.#look().then((client) => {
        if (this.#closed || attempt !== this.#attempt || this.#client) return client?.close();
        if (client) this.#connected(client);
        else this.#wait(until);
      });
    });
  }

  #pause(delay: Millis): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(delay, resolve));
  }
}

const OTHER_VERSION = 'Reload every window, so that all run the same version; the other daemon then ends by itself.';
