import { type GrantLife, isLive, rightKey } from '../../../central/grants/life.ts';
import type { KeptGrant } from '../../../central/grants/ports.ts';
import type { Order } from '../../../cloud/provider.ts';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { type Instant, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { mayStand } from '../../../protocol/lifecycle.ts';
import type { Grant, GrantState } from '../../../protocol/model.ts';
import { type Central, RULES } from './central.ts';
import { type Cloud, type Right, rightOf, short } from './cloud.ts';
import type { Computer, Process } from './computer.ts';
import type { Tell } from './story.ts';

/** The promises of design.md, section 3, in words. */
export type Rule =
  | 'a lost lease ends'
  | 'a renewal never lengthens'
  | 'a restart resumes what is alive'
  | 'a revocation is never dropped'
  | 'assigned is known'
  | 'ends are keyed to their grant'
  | 'everything ends'
  | 'gone is observed'
  | 'intent before effect'
  | 'no duration is re-applied'
  | 'no right without a live intent'
  | 'no step without its record'
  | 'nothing acts after being fenced'
  | 'nothing breaks down'
  | 'nothing stands past its instant'
  | 'the record is in order'
  | 'usable is observed'
  | 'what is over is over';

/** A promise was broken. */
export class Broken extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, what: string) {
    super(`${rule}: ${what}`);
    this.rule = rule;
  }
}

/** Between the instant at which something must be noticed and the step: some ticks, and a store that is slow. */
const NOTICED: Millis = 6 * SECOND;
/** What was accepted at a daemon has reached central when both could talk for so long. */
const TOLD_WITHIN: Millis = 28 * SECOND;

/** What a runner drives that works no more is found by the sweep of another one, and taken over when it is overdue for a while. */
const TAKEN_OVER: Millis = 200 * SECOND;
/** After a start the cloud was asked within this, and within that once it answers again. */
const LOOKED: Millis = 12 * SECOND;
const LOOKED_AGAIN: Millis = 70 * SECOND;

interface Known {
  /** The clocks when its end was first written by this start of a machine: its boot clock means nothing to another. */
  read: { wall: Instant; boot: Millis; bootId: string };
  life: GrantLife;
  /** Who wrote it last. */
  writer: Process;
  /** How far its record has come. */
  stage: number;
  heardAt: Millis;
  /** Since when a central that works could have noticed that it is over. */
  overdueSince?: Millis | undefined;
  /** When somebody removed its right by hand. */
  removedAt?: Millis | undefined;
  /** The computer whose daemon has promised its end, and when. */
  promised?: { by: Computer; at: Millis };
}

const STAGES: Record<string, number> = {
  'grant.intended': 0,
  'grant.assigned': 1,
  'grant.usable': 1,
  'grant.unknown': 1,
  'lease.taken': 1,
  'lease.resumed': 1,
  'lease.lost': 1,
  'grant.ending': 2,
  'revocation.attempted': 2,
  'revocation.delayed': 2,
  'grant.gone': 3,
  'grant.failed': 3,
};

const SAID: Partial<Record<GrantState, string>> = {
  activating: 'grant.intended',
  assigned: 'grant.assigned',
  usable: 'grant.usable',
  unknown: 'grant.unknown',
  revoking: 'grant.ending',
  gone: 'grant.gone',
  failed: 'grant.failed',
};

export interface JudgeParts {
  cloud: Cloud;
  now: () => Millis;
  tell: Tell;
  /** The store takes what is written. */
  storeWorks: () => boolean;
  /** The central that is in charge. */
  active: () => Central | undefined;
}

/** Knows the truth of the cloud and the true time, and holds every step of the engine against the promises. */
export class Judge {
  readonly known = new Map<GrantId, Known>();
  readonly #parts: JudgeParts;
  readonly #allowedAt = new Map<string, Millis>();
  readonly #fenced = new Map<Process, Set<GrantId>>();
  /** Which central works, and since when. */
  #ready: { central: Central; since: Millis } | undefined;
  /** More than one central has worked on the store. */
  failedOver = false;
  /** Since when the cloud does well. */
  calmSince: Millis = 0;
  broken: Broken | undefined;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  break(rule: Rule, what: string): void {
    if (this.broken) return;
    this.#parts.tell(() => `BROKEN: ${rule}: ${what}`);
    this.broken = new Broken(rule, what);
  }

  committed(process: Process, events: readonly AuditEvent[], grants: ReadonlyMap<GrantId, KeptGrant>): void {
    for (const { kind, grantId, text } of events) this.#parts.tell(() => `record: ${kind} ${grantId ? short(grantId) : ''} ${text}`);
    for (const { life, version } of grants.values()) {
      this.#parts.tell(() => `${process.computer.name} writes ${short(life.id)} for the ${version}. time: ${life.state}`);
      const before = this.known.get(life.id);
      // Whoever writes a row has read it before, and acts for it from then on.
      this.#fenced.get(process)?.delete(life.id);
      if (!before) this.#intended(life, process);
      const said = events.filter(({ grantId }) => grantId === life.id).map(({ kind }) => kind as string);
      this.#record(life, said, before);
      this.#step(life, before?.life);
      const known = this.known.get(life.id);
      if (!known) continue;
      // With what was given, and for whoever takes it up, the time for the next heartbeat begins.
      const begins = known.writer !== process || (life.state === 'assigned' && known.life.state === 'activating');
      if (begins) known.heardAt = this.#parts.now();
      known.life = life;
      known.writer = process;
      if (known.read.bootId !== process.computer.bootId) known.read = readClocks(process);
    }
  }

  /** After each change of what stands in the cloud. */
  changed(key: string, { grantId }: Order, change: 'bound' | 'unbound', right: Right, sentAt: Millis): void {
    const own = this.known.get(grantId);
    if (change === 'bound') {
      if (!own || own.life.bind.outcome === 'not sent') this.break('intent before effect', `power of ${short(grantId)} without intent`);
      else if (!mayStand(own.life.state))
        this.break('no right without a live intent', `${short(grantId)} is ${own.life.state}, and was given`);
      else if (right.notAfter > own.life.notAfter)
        this.break('no duration is re-applied', 'the cloud was told a later end than the grant has');
      // Given to one grant, it stands for every other that shares it.
      for (const known of this.known.values()) if (keyOf(known.life) === key) known.removedAt = undefined;
      return;
    }
    // What central has ended stays ended in its memory while the store takes nothing.
    const other = right.grantId !== grantId && (this.#parts.active()?.runner.find(right.grantId) ?? this.known.get(right.grantId)?.life);
    if (other && isLive(other) && right.orderedAt < sentAt)
      this.break('ends are keyed to their grant', `${short(grantId)} took ${key} from ${short(right.grantId)}, which goes on`);
  }

  checked(key: string, access: 'allowed' | 'denied'): void {
    if (access === 'allowed') this.#allowedAt.set(key, this.#parts.now());
  }

  fenced(process: Process, id: GrantId): void {
    const ids = this.#fenced.get(process) ?? new Set();
    this.#fenced.set(process, ids.add(id));
    this.#parts.tell(() => `${process.computer.name} is fenced for ${short(id)}`);
  }

  called(process: Process, what: string, id: GrantId): void {
    // A revocation does not wait for a store that takes nothing.
    if (this.#parts.storeWorks() && what !== 'list' && this.#fenced.get(process)?.has(id))
      this.break('nothing acts after being fenced', `${what} for ${short(id)}`);
  }

  heard(id: GrantId, holdUntil: Instant): void {
    const known = this.known.get(id);
    if (!known) return;
    known.heardAt = this.#parts.now();
    if (holdUntil > known.life.notAfter) this.break('a renewal never lengthens', `hold of ${short(id)} goes beyond its end`);
  }

  removedByHand(id: GrantId): void {
    const known = this.known.get(id);
    if (known) known.removedAt ??= this.#parts.now();
  }

  promised(id: GrantId, by: Computer): void {
    const known = this.known.get(id);
    if (known && isLive(known.life)) known.promised ??= { by, at: this.#parts.now() };
  }

  shown(process: Process, { id, state }: Grant): void {
    if (state === 'gone' && isLive(this.known.get(id)?.life ?? { state: 'gone' }))
      this.break('gone is observed', `${process.computer.name} shows ${short(id)} as gone, and central does not`);
  }

  /** Once a second of true time. @param couldTalk Since when a daemon's computer and central could talk. */
  tick(couldTalk: (computer: Computer) => Millis | undefined): void {
    const central = this.#parts.active();
    const now = this.#parts.now();
    if (!central?.ready || central !== this.#ready?.central) this.#ready = central?.ready ? { central, since: now } : undefined;
    const readySince = this.#ready?.since ?? now;
    for (const known of this.known.values()) {
      const { life, promised } = known;
      const live = central?.runner.find(life.id) ?? life;
      const late = central && this.#late(known, central.process.computer);
      if (!isLive(live) || !late || !this.#ready) known.overdueSince = undefined;
      if (!isLive(live) || !this.#ready) continue;
      const patience = this.failedOver && known.writer !== central?.process ? TAKEN_OVER : 0;
      known.overdueSince ??= late ? now : undefined;
      if (known.overdueSince !== undefined && now - known.overdueSince > NOTICED + patience)
        this.break('nothing stands past its instant', `${short(life.id)} is ${live.state} ${late}`);
      const silent = now - Math.max(known.heardAt, readySince);
      if (live.state !== 'activating' && silent > RULES.grace + NOTICED + patience)
        this.break('a lost lease ends', `${short(life.id)} is ${live.state} ${silent} ms after its last heartbeat`);
      // Asked at the start; or, when the cloud did badly then, again after some time.
      const asked = this.calmSince <= readySince ? readySince + LOOKED : this.calmSince + LOOKED_AGAIN;
      const wasGone = known.removedAt !== undefined && known.removedAt < (central?.readySince ?? 0);
      if (wasGone && now > asked && (live.state === 'assigned' || live.state === 'usable'))
        this.break('a restart resumes what is alive', `${short(life.id)} is ${live.state}, and was gone from the cloud before`);
      const since = promised && couldTalk(promised.by);
      if (promised && since !== undefined && now - Math.max(since, readySince, promised.at) > TOLD_WITHIN + patience)
        this.break('a revocation is never dropped', `${short(life.id)} is ${live.state} after its end was promised at ${promised.by.name}`);
    }
  }

  /** Faults have stopped long ago. */
  ended(): void {
    for (const { life } of this.known.values())
      if (mayStand(life.state)) this.break('everything ends', `${short(life.id)} is still ${life.state}: ${life.awaiting ?? ''}`);
    for (const [key, rights] of this.#parts.cloud.rights)
      if (this.#parts.cloud.bound(key)) this.break('everything ends', `${key} stands, given to ${short(rights.at(-1)?.grantId ?? '')}`);
  }

  #intended(life: GrantLife, writer: Process): void {
    this.known.set(life.id, { read: readClocks(writer), life, writer, stage: -1, heardAt: this.#parts.now() });
  }

  #record(life: GrantLife, said: readonly string[], before: Known | undefined): void {
    const known = this.known.get(life.id);
    if (!known) return;
    for (const kind of said) {
      const stage = STAGES[kind];
      if (stage === undefined) continue;
      // What is known of a grant while it ends may be said then; nothing is said after its end.
      if (stage < known.stage && !(kind === 'grant.unknown' && known.stage < 3) && !(kind === 'lease.lost' && known.stage < 3))
        this.break('the record is in order', `${kind} of ${short(life.id)} after stage ${known.stage}`);
      if (known.stage === 3) this.break('the record is in order', `${kind} of ${short(life.id)} after its end`);
      known.stage = Math.max(known.stage, stage);
    }
    const state = before?.life.state;
    const word = SAID[life.state];
    if (state !== life.state && word !== undefined && !said.includes(word))
      this.break('no step without its record', `${short(life.id)} went from ${state ?? 'nothing'} to ${life.state}`);
  }

  #step(life: GrantLife, before: GrantLife | undefined): void {
    const { cloud, now } = this.#parts;
    const key = keyOf(life);
    if (before && before.notAfter !== life.notAfter) this.break('no duration is re-applied', `the end of ${short(life.id)} was moved`);
    if (before && !mayStand(before.state) && mayStand(life.state)) this.break('what is over is over', `${short(life.id)} came back`);
    if (before?.state === life.state) return;
    if (life.state === 'usable') {
      const seen = this.#allowedAt.get(key);
      const given = cloud.rights.get(key)?.find(({ grantId }) => grantId === life.id);
      if (seen === undefined || !given || seen < given.boundAt) this.break('usable is observed', `nobody saw that ${short(life.id)} works`);
    }
    if (life.state === 'assigned' && !cloud.rights.get(key)?.some(({ grantId }) => grantId === life.id))
      this.break('assigned is known', `the cloud never gave ${short(life.id)}`);
    if (mayStand(life.state)) return;
    const others = [...this.known.values()].some(
      (other) => other.life.id !== life.id && mayStand(other.life.state) && rightKey(other.life) === rightKey(life),
    );
    if (others) return;
    if (cloud.bound(key)) this.break('gone is observed', `${short(life.id)} is ${life.state}, and its right stands in the cloud`);
    else if (cloud.enforces(key)) this.break('gone is observed', `${short(life.id)} is ${life.state}, and still works at ${now()}`);
  }

  /** By either clock of the machine in charge, which counts sleep, and means nothing after another start. */
  #late({ read, life }: Known, computer: Computer): string | undefined {
    const byWall = computer.now() - life.notAfter;
    if (byWall >= 0) return `${Math.round(byWall)} ms after its end by the wall clock`;
    if (computer.bootId !== read.bootId) return undefined;
    const byBoot = computer.boot() - read.boot - (life.notAfter - read.wall);
    return byBoot >= 0 ? `${Math.round(byBoot)} ms after its end by the boot clock` : undefined;
  }
}

const keyOf = ({ principalId, role, resource }: GrantLife): string => rightOf(principalId, role.id, resource.id);
const readClocks = ({ computer }: Process): Known['read'] => ({ wall: computer.now(), boot: computer.boot(), bootId: computer.bootId });
