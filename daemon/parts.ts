import type { DatabaseSync } from 'node:sqlite';
import type { Agent } from 'undici';
import type { Approving, Provider, SelfService } from '../cloud/provider.ts';
import type { Clock } from '../protocol/clock.ts';
import type { AuthorityId } from '../protocol/model.ts';
import type { NoteKey } from '../protocol/note.ts';
import type { CentralHttp, Tokens } from './central/http.ts';
import type { DoorWire } from './door/wire.ts';
import type { Seen } from './inventory/disk.ts';
import type { Ballast } from './journal/ballast.ts';
import type { LiveState } from './live-state.ts';
import type { Log } from './log.ts';
import type { Secret } from './secret.ts';
import type { HandedOverSession } from './sign-in/session.ts';
import type { PersonalTokens } from './sign-in/tokens.ts';

export interface AzureParts {
  provider: Provider;
  selfService: SelfService;
  approving: Approving;
  tokens: PersonalTokens;
  /** Which of the chain gave the last token for a scope; Azure's own unless told. */
  by(scope?: string): string;
  session: HandedOverSession;
  /** Scopes of VS Code's session; undefined where its sign-in cannot reach this cloud. */
  sessionScopes: string[] | undefined;
}

export interface CentralTarget {
  url: string;
  signIn: 'browser' | 'azure';
  azureScope?: string | undefined;
  /** Central's key for its record; undefined: the first one that it shows counts from then on. */
  recordKey?: NoteKey | undefined;
  dispatcher: Agent;
  /** Stands in for the HTTPS client. */
  http?: ((tokens: Tokens) => CentralHttp) | undefined;
}

/** Everything that this daemon is made of, so that a test can run the whole of it on doubles. */
export interface DaemonParts {
  instance: string;
  /** 32 bytes, new at each start; wiped at its end. */
  secret: Secret;
  version: string;
  pid: number;
  bootId: string | undefined;
  authorities: AuthorityId[];
  azure: AzureParts;
  central?: CentralTarget | undefined;
  /** @param suspect The open journal has shown damage. */
  openJournal(suspect: boolean): DatabaseSync;
  ballast: Ballast;
  seen: { read(): Seen | undefined; write(seen: Seen): void };
  clock: Clock;
  random(): number;
  log: Log;
  /** False when the folder of its state is not there any more: what it writes is lost, and no client can find it. */
  stateStands?: (() => boolean) | undefined;
  /** Told to whoever looks at this process while it waits with its end. */
  say?: ((line: string) => void) | undefined;
}

export interface Daemon {
  readonly live: LiveState;
  /** Takes a connection of the door. */
  accept(wire: DoorWire): void;
  /** Takes up the journal, signs in silently, follows the authorities. */
  start(): void;
  /**
   * Ends what is held, and then this daemon: within five seconds, unless a cloud does not take something back yet that nobody
   * else would end. Then it stays, takes nothing new, and ends with that; or at once for whoever comes to the door, for their
   * own daemon takes over.
   */
  stop(): Promise<void>;
  /** Stops without waiting for anything: the journal has what is left, for the next daemon. */
  leave(): void;
  /** Resolves once this daemon has stopped, whoever wanted it. */
  readonly stopped: Promise<void>;
}
