import { isAbsolute } from 'node:path';
import { connect } from '../../protocol/client.ts';
import type { Clock } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Params } from '../../protocol/messages.ts';
import type { Places } from '../../protocol/places.ts';
import { isNewer } from '../../protocol/version.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { isAlive, readEntry } from './entry.ts';
import { proof } from './proof.ts';
import { startDaemon } from './start.ts';
import { openWire } from './wire.ts';

export interface DaemonLinkParts {
  clock: Clock;
  random(): number;
  places: Places;
  /** Absolute path of `portcullis.mjs`. */
  script: string;
  /** Absolute path of the Node to run it with. */
  node(): string;
  env: Record<string, string | undefined>;
  platform: string;
  uid: number | undefined;
  client(): Params<'hello'>['client'];
  onLink: ConnectionParts['onLink'];
}

/** The link to this person's daemon over its socket. Nothing happens before `open()`. */
export function daemonLink(parts: DaemonLinkParts): Connection {
  const { clock, places } = parts;
  return new Connection({
    clock,
    random: parts.random,
    readEntry: () => readEntry(places.entryFile, { uid: parts.uid, isAlive }),
    open: async (entry, signal) => {
      const wire = await openWire(entry.socket, clock);
      // A closed wire ends whatever was being waited for.
      if (signal.aborted) wire.close();
      signal.addEventListener('abort', () => wire.close(), { once: true });
      const client = await connect({ wire, entry, clock, ...proof, client: parts.client() });
      // It is of an older version: it makes way, and the one that is started then goes on with what it holds.
      if (isNewer(parts.client().version, client.state.daemon.version))
        await client.call('daemon.hand-over', { version: parts.client().version }).catch(() => undefined);
      return client;
    },
    start: async () => {
      const node = parts.node();
      if (!isAbsolute(node)) {
        throw new Fault('configuration-invalid', `The setting portcullis.daemon.node is not an absolute path: ${node}`);
      }
      return startDaemon({ node, script: parts.script, stateDir: places.stateDir, env: parts.env, platform: parts.platform });
    },
    onLink: parts.onLink,
  });
}
