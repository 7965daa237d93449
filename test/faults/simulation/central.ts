import { CloudCalls } from '../../../central/grants/calls.ts';
import type { LifeRules } from '../../../central/grants/life.ts';
import type { GrantCalls, GrantMachine, GrantStore } from '../../../central/grants/ports.ts';
import { GrantRunner } from '../../../central/grants/runner.ts';
import { type Context, type Endpoint, type HandlerParts, handlers } from '../../../central/http/handlers.ts';
import type { Actor } from '../../../central/people/actor.ts';
import { Feed, type FeedSink } from '../../../central/record/feed.ts';
import { Views } from '../../../central/views.ts';
import type { Granting } from '../../../cloud/provider.ts';
import { type Clock, type Instant, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import type { Answer } from '../../../protocol/refusal.ts';
import type { Process } from './computer.ts';
import type { Dice } from './dice.ts';
import type { Connection } from './durable.ts';
import { Requests } from './requests.ts';
import type { Tell } from './story.ts';

/** Short, so that a life is short: the engine takes them from its configuration. */
export const RULES: Omit<LifeRules, 'chance'> = { propagation: 8 * SECOND, longestRequestLife: 40 * SECOND, grace: 45 * SECOND };
const CALL_WITHIN: Millis = 10 * SECOND;
const SWEEP_EVERY = MINUTE;

/** What a planted bug may put in the place of a real part. */
export interface EngineParts {
  machine: GrantMachine;
  store: GrantStore;
  calls: GrantCalls;
  clock: Clock;
}

export interface CentralParts {
  process: Process;
  connection: Connection;
  granting: Granting;
  machine: GrantMachine;
  plant: (parts: EngineParts) => EngineParts;
  dice: Dice;
  tell: Tell;
  /** A heartbeat was taken. */
  onHeard: (id: GrantId, holdUntil: Instant) => void;
}

/** One start of central: its real engine, views and handlers; only people and policy are made simple. */
export class Central {
  readonly process: Process;
  readonly runner: GrantRunner;
  readonly #connection: Connection;
  readonly #views: Views;
  readonly #handlers: ReturnType<typeof handlers>;
  readonly #onHeard: CentralParts['onHeard'];
  /** When it had taken up what it found. */
  readySince: Millis | undefined;

  constructor({ process, connection, granting, machine, plant, dice, tell, onHeard }: CentralParts) {
    this.process = process;
    this.#onHeard = onHeard;
    this.#connection = connection;
    const calls = new CloudCalls(() => granting, process, CALL_WITHIN);
    const engine = plant({ machine, store: connection, calls, clock: process });
    this.runner = new GrantRunner({
      ...engine,
      bootId: process.computer.bootId,
      random: () => dice.next(),
      rules: RULES,
      trouble: (error, what) => tell(() => `${process.computer.name}: trouble: ${what}: ${error}`),
    });
    const policy = {
      mayAudit: () => false,
      mayApprove: () => false,
      mayRevoke: () => false,
    } as unknown as HandlerParts['policy'];
    const store = connection as unknown as HandlerParts['store'];
    this.#views = new Views(policy, {} as ConstructorParameters<typeof Views>[1]);
    const requests = new Requests({
      store: engine.store,
      read: connection,
      clock: engine.clock,
      runner: this.runner,
      views: this.#views,
      dice,
    });
    this.#handlers = handlers({
      store,
      clock: engine.clock,
      policy,
      views: this.#views,
      runner: this.runner,
      grace: RULES.grace,
      requests: requests as unknown as HandlerParts['requests'],
      // Not asked for here.
      previews: {} as HandlerParts['previews'],
      deposits: {} as HandlerParts['deposits'],
      proofs: {} as HandlerParts['proofs'],
    });
  }

  async start(): Promise<void> {
    await this.runner.load();
    this.runner.resume();
    this.readySince = this.process.computer.timeline.now;
    const sweep = () => {
      void this.runner.sweep().catch(() => undefined);
      this.process.after(SWEEP_EVERY, sweep);
    };
    this.process.after(SWEEP_EVERY, sweep);
  }

  get ready(): boolean {
    return this.readySince !== undefined && this.process.running;
  }

  async serve(endpoint: Endpoint, context: Context, body: unknown): Promise<Answer<unknown>> {
    const answer = await (this.#handlers[endpoint] as (context: Context, body: unknown) => Promise<Answer<unknown>>)(context, body);
    if (endpoint === 'heartbeat' && answer.ok) this.#onHeard(context.id as GrantId, (answer.value as { holdUntil: Instant }).holdUntil);
    return answer;
  }

  feed(actor: Actor, after: number, sink: FeedSink): Feed {
    const feed = new Feed({ store: this.#connection as unknown as HandlerParts['store'], views: this.#views }, () => actor, after, sink);
    feed.wake();
    return feed;
  }
}
