import { setTimeout as wait } from 'node:timers/promises';
import type { ResourceId } from '../../../protocol/ids.ts';
import type { DaemonProcess } from '../processes/daemon-process.ts';
import { DaemonCalls, lastLook } from './daemon-calls.ts';
import { freshTally, type Lane, type Length, type Moment, momentAfterAnswer, scopeOfResource } from './lane.ts';
import type { Weather } from './weather.ts';

/** One person's daemon under Entra PIM, where nobody else of ours would end what it began; asked through its door. */
export class DaemonLane implements Lane {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly tally = freshTally();
  readonly #daemon: DaemonProcess;
  readonly #weather: Weather;
  readonly #calls: DaemonCalls;

  constructor(parts: {
    name: string;
    daemon: DaemonProcess;
    balancers: readonly ResourceId[];
    weather: Weather;
    random: () => number;
  }) {
    const { name, daemon, balancers, weather, random } = parts;
    this.name = name;
    this.scopes = new Set(balancers.map(scopeOfResource));
    this.#daemon = daemon;
    this.#weather = weather;
    this.#calls = new DaemonCalls({ authority: 'pim', balancers, random, tally: this.tally });
  }

  async live(moment: Moment, length: () => Length): Promise<{ sender: boolean }> {
    this.tally.starts++;
    this.#daemon.launch();
    if (moment.after === 'start') await wait(moment.wait / 2);
    else {
      const client = await this.#daemon.ready();
      const calls = Promise.allSettled([this.#calls.some(client, length)]);
      await momentAfterAnswer(moment, { weather: this.#weather, scopes: this.scopes, calls });
      await this.#daemon.end('SIGKILL');
      await calls;
    }
    await this.#daemon.end('SIGKILL');
    this.tally.kills++;
    return { sender: true };
  }

  async settle(empty: () => Promise<void>): Promise<string[]> {
    this.tally.starts++;
    this.#daemon.launch();
    const client = await this.#daemon.ready();
    await this.#calls.endAll(client);
    await empty();
    return lastLook(this.name, this.#daemon, client, this.tally);
  }

  async close(): Promise<void> {
    await this.#daemon.end('SIGKILL');
  }
}
