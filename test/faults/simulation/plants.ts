import type { GrantEvent, GrantLife, LifeRules, Step } from '../../../central/grants/life.ts';
import { record } from '../../../central/grants/moves.ts';
import type { GrantMachine, GrantStore, GrantWriting } from '../../../central/grants/ports.ts';
import type { CentralHttp } from '../../../daemon/central/http.ts';
import type { PimMachine } from '../../../daemon/pim/step.ts';
import type { Clock, Instant } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { mayStand } from '../../../protocol/lifecycle.ts';
import { yes } from '../../../protocol/refusal.ts';
import type { EngineParts } from './central.ts';
import type { Process } from './computer.ts';
import type { Rule } from './judge.ts';
import type { Link } from './network.ts';

/** A bug that is put into the engine through the parts it is given, to see that the simulation finds it. */
export interface Plant {
  /** What somebody might have written. */
  name: string;
  /** The promises that it breaks. Finding it means that one of these was seen to be broken, and not something else. */
  breaks: readonly Rule[];
  /** Rare: the first seed that is lived. Those before it hide the bug. */
  from?: number;
  engine?: (parts: EngineParts, process: Process) => Partial<EngineParts>;
  http?: (http: CentralHttp, link: Link) => CentralHttp;
  pim?: (machine: PimMachine) => PimMachine;
}

export const PLANTS: readonly Plant[] = [
  {
    name: 'no intent: the cloud is asked before the intent is durable',
    breaks: ['intent before effect'],
    engine: ({ store }) => ({ store: acknowledgesEarly(store) }),
  },
  {
    name: 'a full disk does not stop new power',
    breaks: ['intent before effect'],
    engine: ({ store }) => ({ store: ignoresFailures(store) }),
  },
  {
    name: 'forgets a revocation after six tries',
    breaks: ['gone is observed'],
    engine: stepping((step, _life, _event, now) =>
      step.life.state === 'revoking' && step.life.attempts >= 6 ? calledGone(step, now) : step,
    ),
  },
  {
    name: 're-applies the duration at a restart',
    breaks: ['no duration is re-applied'],
    engine: stepping((step, _life, event, now) =>
      event.type === 'restarted' && mayStand(step.life.state)
        ? { ...step, life: { ...step.life, notAfter: now + step.life.notAfter - step.life.createdAt } }
        : step,
    ),
  },
  {
    name: 'a heartbeat lengthens the grant',
    breaks: ['no duration is re-applied', 'a renewal never lengthens'],
    engine: stepping((step, _life, event, now, { grace }) =>
      event.type === 'heartbeat' ? { ...step, life: { ...step.life, notAfter: Math.max(step.life.notAfter, now + grace) } } : step,
    ),
  },
  {
    name: 'wall clock only',
    breaks: ['nothing stands past its instant'],
    from: 500,
    engine: ({ clock }) => ({ clock: { ...plain(clock), boot: () => clock.now() } }),
  },
  {
    name: 'monotonic clock only',
    breaks: ['nothing stands past its instant'],
    from: 200,
    engine: ({ clock }, process) => ({ clock: monotonic(clock, process) }),
  },
  {
    name: 'wall clock only after a restart',
    breaks: ['nothing stands past its instant'],
    from: 500,
    engine: ({ store }) => ({
      store: { ...through(store), standing: async () => (await store.standing()).map(({ bootDue: _, ...kept }) => kept) },
    }),
  },
  {
    name: 'revokes by person and role, and not by grant',
    breaks: ['ends are keyed to their grant'],
    from: 2200,
    engine: told((event) => (event.type === 'act' ? { type: 'act' } : event)),
  },
  {
    name: '"nothing there" is believed',
    breaks: ['gone is observed', 'no right without a live intent'],
    engine: stepping((step, life, event, now) =>
      event.type === 'unbound' && event.answer.state === 'nothing there' && life.state === 'revoking' ? calledGone(step, now) : step,
    ),
  },
  {
    name: 'no look for grants that land late',
    breaks: ['no right without a live intent'],
    engine: ruled((rules) => ({ ...rules, longestRequestLife: 0 })),
  },
  {
    name: 'a stale row is resumed as alive',
    breaks: ['a restart resumes what is alive'],
    engine: ({ machine }) => ({
      machine: {
        ...machine,
        step: (life, event, now, rules) =>
          event.type === 'restarted' && life.state !== 'activating' && life.state !== 'revoking'
            ? { life, effects: [] }
            : machine.step(life, event, now, rules),
      },
    }),
  },
  {
    name: 'two replicas write one row without a fence',
    breaks: ['no step without its record', 'what is over is over'],
    engine: ({ store }) => ({ store: unfenced(store) }),
  },
  {
    name: 'gone as soon as the cloud has accepted the end',
    breaks: ['gone is observed'],
    engine: stepping((step, life, event, now) =>
      event.type === 'unbound' && event.answer.state === 'accepted' && life.state === 'revoking' ? calledGone(step, now) : step,
    ),
  },
  {
    name: 'usable as soon as the cloud has assigned it',
    breaks: ['usable is observed'],
    engine: stepping((step) =>
      step.life.state === 'assigned'
        ? { life: { ...step.life, state: 'usable' }, effects: [...step.effects, record('grant.usable', 'It can be used')] }
        : step,
    ),
  },
  {
    name: 'a lost lease goes on',
    breaks: ['a lost lease ends'],
    engine: ({ machine }) => ({ machine: { ...machine, wakes: (life) => ({ ...machine.wakes(life), hold: undefined }) } }),
  },
  { name: 'ends are not recorded', breaks: ['no step without its record'], engine: ({ store }) => ({ store: withoutEndings(store) }) },
  { name: 'an end that was asked for in a partition is dropped', breaks: ['a revocation is never dropped'], http: forgetful },
  {
    name: 'PIM: gone as soon as the cloud has accepted the end',
    breaks: ['gone is observed'],
    pim: (machine) => (lease, event, now, rules) => {
      const after = machine(lease, event, now, rules);
      return after.phase === 'proving' ? { ...after, phase: 'gone', goneAt: now, proof: 'denied', next: 'nothing' } : after;
    },
  },
  {
    name: 'PIM: a lost answer counts as no',
    breaks: ['intent before effect'],
    pim: (machine) => (lease, event, now, rules) =>
      lease.phase === 'intended' && event.type === 'failed'
        ? { ...lease, phase: 'failed', next: 'nothing' }
        : machine(lease, event, now, rules),
  },
];

type Mend = (step: Step, life: GrantLife, event: GrantEvent, now: Instant, rules: LifeRules) => Step;

function stepping(mend: Mend): NonNullable<Plant['engine']> {
  return ({ machine }) => ({
    machine: { ...machine, step: (life, event, now, rules) => mend(machine.step(life, event, now, rules), life, event, now, rules) },
  });
}

function told(change: (event: GrantEvent) => GrantEvent): NonNullable<Plant['engine']> {
  return ({ machine }) => ({ machine: { ...machine, step: (life, event, now, rules) => machine.step(life, change(event), now, rules) } });
}

function ruled(change: (rules: LifeRules) => LifeRules): NonNullable<Plant['engine']> {
  const step =
    (machine: GrantMachine): GrantMachine['step'] =>
    (life, event, now, rules) =>
      machine.step(life, event, now, change(rules));
  return ({ machine }) => ({ machine: { ...machine, step: step(machine) } });
}

function calledGone({ life, effects }: Step, now: Instant): Step {
  if (life.state !== 'revoking') return { life, effects };
  const gone: GrantLife = { ...life, state: 'gone', goneAt: now, proof: 'absent', act: undefined };
  return { life: gone, effects: [...effects.filter(({ type }) => type !== 'call'), record('grant.gone', 'It is gone')] };
}

const plain = (clock: Clock): Clock => ({
  now: () => clock.now(),
  boot: () => clock.boot(),
  after: (delay, run) => clock.after(delay, run),
});

/** What timers run by: it stands still while the machine sleeps. */
function monotonic(clock: Clock, { computer }: Process): Clock {
  const [wall, awake] = [clock.now(), computer.awake()];
  return { ...plain(clock), now: () => wall + computer.awake() - awake, boot: () => computer.awake() };
}

const through = (store: GrantStore): GrantStore => ({
  exclusive: store.exclusive,
  standing: () => store.standing(),
  kept: (id) => store.kept(id),
  sharing: (right) => store.sharing(right),
  write: (work) => store.write(work),
});

/** Says yes when the transaction is made, and does not wait until it is durable. */
const acknowledgesEarly = (store: GrantStore): GrantStore => ({
  ...through(store),
  write: (work) => new Promise((resolve, reject) => store.write(async (tx) => resolve(await work(tx))).catch(reject)),
});

const ignoresFailures = (store: GrantStore): GrantStore => ({
  ...through(store),
  async write<T>(work: (tx: GrantWriting) => Promise<T>): Promise<T> {
    let made: { value: T } | undefined;
    const keep = async (tx: GrantWriting) => {
      made = { value: await work(tx) };
      return made.value;
    };
    return store.write(keep).catch((error: unknown) => {
      if (made) return made.value;
      throw error;
    });
  },
});

const writing = (tx: GrantWriting, changed: Partial<GrantWriting>): GrantWriting => ({
  putGrant: (kept) => tx.putGrant(kept),
  append: (body) => tx.append(body),
  request: (id) => tx.request(id),
  putRequest: (request, now) => tx.putRequest(request, now),
  ...changed,
});

const unfenced = (store: GrantStore): GrantStore => ({
  ...through(store),
  write: (work) =>
    store.write((tx) =>
      work(
        writing(tx, {
          putGrant: async (kept) => tx.putGrant({ ...kept, version: ((await store.kept(kept.life.id))?.version ?? 0) + 1 }),
        }),
      ),
    ),
});

const withoutEndings = (store: GrantStore): GrantStore => ({
  ...through(store),
  write: (work) =>
    store.write((tx) => work(writing(tx, { append: async (body) => (body.kind === 'grant.ending' ? undefined : tx.append(body)) }))),
});

/** While central cannot be reached an end counts as done, and is not asked for again. */
function forgetful(http: CentralHttp, link: Link): CentralHttp {
  const dropped = new Set<GrantId>();
  return {
    ...http,
    async call(endpoint, given, signal) {
      if (endpoint === 'revoke' && link.cutSince !== undefined) dropped.add(given.id as GrantId);
      if (endpoint === 'revoke' && dropped.has(given.id as GrantId)) return yes({}) as never;
      return http.call(endpoint, given, signal);
    },
  };
}
