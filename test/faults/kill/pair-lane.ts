import { setTimeout as wait } from 'node:timers/promises';
import type { ResourceId } from '../../../protocol/ids.ts';
import type { CentralProcess } from '../../e2e/central-process.ts';
import { CentralClient } from '../processes/central-client.ts';
import type { DaemonProcess } from '../processes/daemon-process.ts';
import type { Town } from '../processes/town.ts';
import { lastLookAtCentral } from './central-lane.ts';
import { DaemonCalls, lastLook } from './daemon-calls.ts';
import { freshTally, type Lane, type Length, type Moment, momentAfterAnswer, scopeOfResource } from './lane.ts';
import type { Weather } from './weather.ts';

/** One person's daemon under a central of its own, asked at its door; either dies, or both at once. */
export class PairLane implements Lane {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly tally = freshTally();
  readonly #town: Town;
  readonly #central: CentralProcess;
  readonly #daemon: DaemonProcess;
  readonly #weather: Weather;
  readonly #random: () => number;
  readonly #calls: DaemonCalls;
  #up = { central: false, daemon: false };

  constructor(parts: {
    name: string;
    town: Town;
    central: CentralProcess;
    daemon: DaemonProcess;
    balancers: readonly ResourceId[];
    weather: Weather;
    random: () => number;
  }) {
    const { name, town, central, daemon, balancers, weather, random } = parts;
    this.name = name;
    this.scopes = new Set(balancers.map(scopeOfResource));
    this.#town = town;
    this.#central = central;
    this.#daemon = daemon;
    this.#weather = weather;
    this.#random = random;
    this.#calls = new DaemonCalls({ authority: 'central', balancers, random, tally: this.tally });
  }

  async live(moment: Moment, length: () => Length): Promise<{ sender: boolean }> {
    this.#launch();
    const chance = this.#random();
    const dies = { central: chance < 0.6, daemon: chance > 0.3 };
    if (moment.after === 'start') {
      await wait(moment.wait);
      await this.#kill(dies);
    } else {
      await this.#central.ready();
      const client = await this.#daemon.ready();
      const calls = Promise.allSettled([this.#calls.some(client, length)]);
      await momentAfterAnswer(moment, { weather: this.#weather, scopes: this.scopes, calls });
      await this.#kill(dies);
      // What still waits at a daemon that lives is refused, for the connection is closed.
      client.close();
      await calls;
    }
    return { sender: dies.central };
  }

  async settle(empty: () => Promise<void>): Promise<string[]> {
    // One that lives asks on for a while yet for what was asked of it before: the cloud could be seen empty too soon.
    await this.#kill({ central: false, daemon: true });
    this.#launch();
    await this.#central.ready();
    const client = await this.#daemon.ready();
    await this.#calls.endAll(client);
    await this.#calls.endingMeanwhile(client, empty);
    const ofDaemon = await lastLook(this.name, this.#daemon, client, this.tally);
    const asked = new CentralClient(this.#central.url, this.#town.identity.ca);
    try {
      return [...ofDaemon, ...(await lastLookAtCentral(this.name, this.#town, this.#central, asked, this.tally))];
    } finally {
      await asked.close();
    }
  }

  async close(): Promise<void> {
    await this.#kill({ central: true, daemon: true });
    await this.#central.close();
  }

  #launch(): void {
    if (!this.#up.central) this.#central.launch();
    if (!this.#up.daemon) this.#daemon.launch();
    this.tally.starts += Number(!this.#up.central) + Number(!this.#up.daemon);
    this.#up = { central: true, daemon: true };
  }

  async #kill(dies: { central: boolean; daemon: boolean }): Promise<void> {
    await Promise.all([dies.central && this.#central.kill(), dies.daemon && this.#daemon.end('SIGKILL')]);
    this.tally.kills += Number(dies.central) + Number(dies.daemon);
    this.#up = { central: this.#up.central && !dies.central, daemon: this.#up.daemon && !dies.daemon };
  }
}
