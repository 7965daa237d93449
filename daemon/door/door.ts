import type { Clock } from '../../protocol/clock.ts';
import type { LiveState } from '../live-state.ts';
import type { Log } from '../log.ts';
import { Connection, type Hello } from './connection.ts';
import type { Handlers } from './methods.ts';
import { DoorProof, UsedNonces } from './proof.ts';
import { Refusals } from './refusals.ts';
import type { DoorWire } from './wire.ts';

export interface DoorParts {
  instance: string;
  /** Hex HMAC of a text under the per-start secret, which stays where it is. */
  prove(text: string): string;
  live: LiveState;
  handlers: Handlers;
  clock: Clock;
  log: Log;
  /** Called whenever the clients that have said hello changed. */
  onClients(clients: Hello[], left: Hello | undefined): void;
}

/** Takes each new wire through proof and hello, and knows who is there. */
export class Door {
  readonly #parts: DoorParts;
  readonly #used = new UsedNonces();
  readonly #connections = new Map<Connection, Hello | undefined>();
  readonly #refused: Refusals;
  #next = 1;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    this.#refused = new Refusals(parts.clock, parts.log);
  }

  accept(wire: DoorWire): void {
    const { instance, prove, live, handlers, clock, log, onClients } = this.#parts;
    const id = this.#next++;
    const connection: Connection = new Connection({
      id,
      wire,
      proof: new DoorProof(prove, instance, this.#used),
      live,
      handlers,
      clock,
      log,
      onHello: (client) => {
        this.#connections.set(connection, client);
        log.info('client', { connection: id, client: client.name, version: client.version });
        onClients(this.#clients(), undefined);
      },
      onRefused: (why) => this.#refused.note(id, why),
      onGone: () => {
        const client = this.#connections.get(connection);
        this.#connections.delete(connection);
        if (client) onClients(this.#clients(), client);
      },
    });
    this.#connections.set(connection, undefined);
  }

  close(why: string): void {
    for (const connection of [...this.#connections.keys()]) connection.close(why);
  }

  #clients(): Hello[] {
    return [...this.#connections.values()].filter((client) => client !== undefined);
  }
}
