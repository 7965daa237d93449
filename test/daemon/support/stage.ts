import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Agent } from 'undici';
import { sharedTokens } from '../../../cloud/azure/shared-tokens.ts';
import type { CentralHttp } from '../../../daemon/central/http.ts';
import { composeDaemon } from '../../../daemon/compose.ts';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import type { Seen } from '../../../daemon/inventory/disk.ts';
import { ballastFile } from '../../../daemon/journal/ballast.ts';
import { openJournal } from '../../../daemon/journal/open.ts';
import type { Log, LogFields } from '../../../daemon/log.ts';
import type { Daemon, DaemonParts } from '../../../daemon/parts.ts';
import { Secret } from '../../../daemon/secret.ts';
import { HandedOverSession } from '../../../daemon/sign-in/session.ts';
import { type Client, type ClientParts, connect } from '../../../protocol/client.ts';
import type { Params } from '../../../protocol/messages.ts';
import type { AuthorityId } from '../../../protocol/model.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { FakeCloud, FakePim } from './cloud.ts';
import { wirePair } from './wires.ts';

export interface Logged {
  level: 'info' | 'warn' | 'error';
  event: string;
  fields: LogFields;
}

export function memoryLog(): Log & { lines: Logged[] } {
  const lines: Logged[] = [];
  const at =
    (level: Logged['level']) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ level, event, fields });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}

export interface Stage {
  clock: ManualClock;
  cloud: FakeCloud;
  pim: FakePim;
  log: ReturnType<typeof memoryLog>;
  dir: string;
  daemon: Daemon;
  client(kind?: 'editor' | 'terminal', more?: Partial<Params<'hello'>['client']>): Promise<Client>;
  /** Kills the daemon as SIGKILL would: no goodbye, timers and all; and starts another on the same disk. */
  restart(): Promise<void>;
}

export interface StageOptions {
  authorities?: AuthorityId[];
  http?: CentralHttp;
  parts?: Partial<DaemonParts>;
  /** The per-start secret, in hex. */
  secret?: string;
  dir?: string;
  clock?: ManualClock;
}

/** The whole daemon in this process, on a clock that is moved by hand, a cloud in memory and a journal on disk. */
export async function startStage(t: Pick<TestContext, 'after'>, options: StageOptions = {}): Promise<Stage> {
  const dir = options.dir ?? scratch(t);
  const clock = options.clock ?? new ManualClock();
  const cloud = new FakeCloud();
  const pim = new FakePim();
  const log = memoryLog();
  const secret = options.secret ?? nonce();
  let seen: Seen | undefined;
  let dead: DeadableClock;
  const remember = (next: Seen) => {
    seen = next;
  };

  function start(): Daemon {
    dead = new DeadableClock(clock);
    const mortal = dead;
    const daemon = composeDaemon({
      instance: randomUUID(),
      secret: Secret.of(Buffer.from(secret, 'hex')),
      version: '0.1.0',
      pid: 4_711,
      bootId: 'boot-1',
      authorities: options.authorities ?? ['pim'],
      azure: {
        provider: cloud,
        selfService: pim,
        approving: pim,
        tokens: sharedTokens({ getToken: async () => ({ token: 'none', expiresOnTimestamp: clock.now() + 3_600_000 }) }, mortal),
        by: () => 'Azure CLI',
        session: new HandedOverSession(mortal),
        sessionScopes: ['https://management.azure.com/.default'],
      },
      ...(options.http
        ? {
            central: {
              url: 'https://central.test',
              signIn: 'azure',
              azureScope: 'api://portcullis/.default',
              dispatcher: new Agent(),
              http: () => options.http as CentralHttp,
            },
          }
        : {}),
      openJournal: (suspect) => openJournal(path.join(dir, 'journal.db'), clock.now(), suspect),
      ballast: ballastFile(path.join(dir, 'journal.ballast')),
      seen: { read: () => seen, write: remember },
      clock: mortal,
      random: () => 0.5,
      log,
      ...options.parts,
    });
    daemon.start();
    return daemon;
  }

  const stage: Stage = {
    clock,
    cloud,
    pim,
    log,
    dir,
    daemon: start(),
    async client(kind = 'editor', more = {}) {
      const { client, door } = wirePair();
      stage.daemon.accept(door);
      const parts: ClientParts = {
        wire: client,
        entry: { instance: stage.daemon.live.now.daemon.instance, secret },
        clock,
        hmac,
        same,
        nonce,
        client: { name: 'test', version: '0.1.0', kind, ...more },
      };
      return connect(parts);
    },
    async restart() {
      dead.kill();
      await settle();
      stage.daemon = start();
      await settle();
    },
  };
  t.after(async () => {
    void stage.daemon.stop();
    await clock.advance(10_000);
    stage.daemon.leave();
    await stage.daemon.stopped;
    // What looked ten times a second whether it may stop, looks once more.
    await clock.advance(100);
    assert.equal(dead.armed, 0, 'a stopped daemon waits for nothing');
  });
  await settle();
  return stage;
}

/** A clock that dies with its process: what waits on it never runs. */
class DeadableClock {
  readonly #clock: ManualClock;
  readonly #waiting = new Set<() => void>();
  #dead = false;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  get armed(): number {
    return this.#waiting.size;
  }

  now(): number {
    return this.#clock.now();
  }

  boot(): number {
    return this.#clock.boot();
  }

  after(delay: number, run: () => void): () => void {
    if (this.#dead) return () => {};
    const cancel = this.#clock.after(delay, () => {
      this.#waiting.delete(done);
      run();
    });
    const done = () => {
      this.#waiting.delete(done);
      cancel();
    };
    this.#waiting.add(done);
    return done;
  }

  kill(): void {
    this.#dead = true;
    for (const done of [...this.#waiting]) done();
  }
}
