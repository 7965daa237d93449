import { Holder } from '../../../daemon/pim/holder.ts';
import { isOver, type PimLease } from '../../../daemon/pim/lease.ts';
import { LONGEST_IN_FLIGHT, step } from '../../../daemon/pim/step.ts';
import { HOUR, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import { watchClock } from '../../../protocol/clock-watch.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { Cloud, FAIR, rightOf, short } from './cloud.ts';
import { Computer, type Process } from './computer.ts';
import { type Counts, NOTHING } from './counts.ts';
import { Dice } from './dice.ts';
import { DaemonDisk } from './journal.ts';
import { Broken, type Rule } from './judge.ts';
import { actorNamed, balancer, RESOURCES, ROLES, roleRef } from './people.ts';
import type { Plant } from './plants.ts';
import { Story } from './story.ts';
import { Timeline } from './timeline.ts';
import { badWeather } from './weather.ts';

export interface Lived {
  seed: number;
  broken: Broken | undefined;
  counts: Counts;
  story: string[];
}

const RULES = { propagation: 8 * SECOND, longestRequestLife: 40 * SECOND, shortestHold: 5 * SECOND };
/** Between the instant that must be noticed and the step. */
const NOTICED: Millis = 3 * SECOND;
const ENDS_WITHIN: Millis = LONGEST_IN_FLIGHT + 5 * MINUTE;
const SILENT = { info() {}, warn() {}, error() {} };

/** A life in which Entra PIM is the policy: one laptop, its real holder of leases, and the cloud. */
export function liveUnderPim(seed: number, options: { plant?: Plant | undefined; told?: boolean }): Lived {
  const life = new PimLife(seed, options.plant, options.told ?? false);
  life.live();
  return { seed, broken: life.broken, counts: life.counts, story: life.story.lines };
}

class PimLife {
  readonly timeline = new Timeline();
  readonly story: Story;
  readonly counts: Counts = { ...NOTHING, lives: 1 };
  broken: Broken | undefined;
  readonly #dice: Dice;
  readonly #cloud: Cloud;
  readonly #computer: Computer;
  readonly #disk = new DaemonDisk();
  readonly #person = actorNamed('alice').person;
  readonly #plant: Plant | undefined;
  readonly #allowedAt = new Map<string, Millis>();
  readonly #asked = new Map<GrantId, { notAfter: number; overdueSince: Millis | undefined }>();
  #holder: Holder | undefined;
  #crashesLeft: number;
  readonly #over = new Set<GrantId>();
  /** Nothing is started any more. */
  #done = false;

  constructor(seed: number, plant: Plant | undefined, told: boolean) {
    this.#plant = plant;
    this.#dice = new Dice(seed);
    this.story = new Story(this.timeline, told);
    this.#cloud = new Cloud(this.timeline, new Dice(seed, 1), this.story.tell, RULES, this.#dice.between(-2_000, 2_000));
    this.#computer = new Computer('laptop', this.timeline, this.#dice.between(-3_000, 3_000));
    this.#crashesLeft = this.#dice.between(0, 4);
    this.#cloud.onChecked = (key, access) => access === 'allowed' && this.#allowedAt.set(key, this.timeline.now);
    this.#cloud.onChange = (_key, { grantId }, change) => {
      const lease = this.#kept().find((kept) => kept.grantId === grantId);
      if (change === 'bound' && (!lease || isOver(lease)))
        this.#break('intent before effect', `${short(grantId)} was given, and no live intent is kept`);
    };
  }

  live(): void {
    const { timeline } = this;
    const check = () => {
      if (this.broken) throw this.broken;
    };
    try {
      this.#start();
      const trouble = this.#dice.between(40, 120) * SECOND;
      for (let at = SECOND; at < trouble + ENDS_WITHIN + MINUTE; at += SECOND) timeline.after(at, () => this.#tick());
      this.#happenings(trouble);
      timeline.pass(trouble, check);
      this.#heal();
      const limit = timeline.now + ENDS_WITHIN;
      while (timeline.now < limit && !this.#kept().every(isOver)) timeline.pass(timeline.now + SECOND, check);
      // What is still on its way to the cloud lands within this.
      this.#done = true;
      this.#computer.process?.kill();
      timeline.pass(timeline.now + RULES.longestRequestLife, check);
      for (const lease of this.#kept())
        if (!isOver(lease)) this.#break('everything ends', `${short(lease.grantId)} is still ${lease.phase}`);
      for (const key of this.#cloud.rights.keys()) if (this.#cloud.bound(key)) this.#break('everything ends', `${key} stands`);
    } catch (error) {
      if (error !== this.broken) this.#break('nothing breaks down', error instanceof Error ? error.message : String(error));
    }
    this.counts.grants = this.#asked.size;
    this.counts['ends proven'] = this.#kept().filter(({ proof }) => proof !== undefined).length;
    this.counts['calls to the cloud'] = this.#cloud.calls;
    this.counts['calls that landed late'] = this.#cloud.late;
  }

  #break(rule: Rule, what: string): void {
    if (this.broken) return;
    this.story.tell(() => `BROKEN: ${rule}: ${what}`);
    this.broken = new Broken(rule, what);
  }

  /** What the disk holds, whoever runs. */
  #kept(): PimLease[] {
    return this.#disk.bodies('pim').map((body) => JSON.parse(body) as PimLease);
  }

  #start(): void {
    const { tell } = this.story;
    tell(() => 'the daemon starts');
    const process = this.#computer.start();
    if (this.#crashesLeft > 0 && this.#dice.chance(0.6)) process.killAfter = this.#dice.between(1, 40);
    process.onDeath(() => this.#died(process));
    const journal = this.#disk.journal(process);
    const holder = new Holder({
      machine: this.#plant?.pim?.(step) ?? step,
      selfService: this.#cloud.selfService(process),
      access: this.#cloud.access(process, this.#person.id),
      journal,
      truth: {
        now: () => ({ requests: {}, grants: {} }) as unknown as DaemonState,
        apply: (change) => {
          if (change.type === 'grant' && process.alive) this.#shown(holder.get(change.grant.id));
        },
        record: ({ text }) => tell(() => `record: ${text}`),
      },
      clock: process,
      random: () => this.#dice.next(),
      log: SILENT,
    });
    this.#holder = holder;
    watchClock(process, () => holder.clockJumped());
    const takeUp = () => {
      const rows = journal.may((leases) => leases.load('pim', process.now() - HOUR));
      // The journal cannot be read: again when it can be, as its authority does.
      if (!rows) process.after(10 * SECOND, takeUp);
      for (const { body, bootDue } of rows ?? []) holder.resume(JSON.parse(body) as PimLease, bootDue);
    };
    takeUp();
  }

  #died(process: Process): void {
    if (this.#done) return;
    this.#crashesLeft -= 1;
    this.counts.crashes += 1;
    this.story.tell(() => `the daemon is killed after its effect ${process.effects}`);
    this.timeline.after(this.#dice.delay(2_000, 25_000), () => {
      if (this.#computer.process === process) this.#start();
    });
  }

  #ask(): void {
    const process = this.#computer.process;
    const [resource, role] = [this.#dice.pick(RESOURCES), this.#dice.pick(ROLES)];
    const duration = this.#dice.pick([this.#dice.between(3, 60) * SECOND, this.#dice.between(3, 60) * SECOND, 8 * HOUR]);
    const [grantId, requestId] = [this.#dice.uuid() as GrantId, this.#dice.uuid() as RequestId];
    const taken = this.#kept().some((lease) => !isOver(lease) && lease.resource.id === resource && lease.role.id === role);
    if (!process?.running || taken) return;
    const now = process.now();
    this.story.tell(() => `${this.#person.name} asks for ${role} on ${resource} for ${duration / SECOND} s (grant ${short(grantId)})`);
    try {
      this.#holder?.add({
        ...{ grantId, requestId, person: this.#person, resource: balancer(resource), role: roleRef(role), allows: [], actions: [role] },
        ...{ duration, reason: 'Drain web-1', approvals: [], createdAt: now, lapsesAt: now, phase: 'intended', notAfter: now + duration },
        decision: { outcome: 'granted', because: 'It may', wouldChange: [], rules: [], policyVersion: '1', at: now },
        ...{ shown: true, confirmed: false, checks: 0, tries: 0, denials: 0, nextAt: now, next: 'activate', alarmed: false },
      });
      this.#asked.set(grantId, { notAfter: now + duration, overdueSince: undefined });
    } catch {
      this.story.tell(() => 'it is not asked for: the disk is full');
    }
  }

  #shown(lease: PimLease | undefined): void {
    if (!lease) return;
    const key = rightOf(lease.person.id, lease.role.id, lease.resource.id);
    if (lease.phase === 'usable' && lease.doubt === undefined && !this.#allowedAt.has(key))
      this.#break('usable is observed', `nobody saw that ${short(lease.grantId)} works`);
    if (lease.notAfter !== (this.#asked.get(lease.grantId)?.notAfter ?? lease.notAfter))
      this.#break('no duration is re-applied', `the end of ${short(lease.grantId)} was moved`);
    if (lease.phase !== 'gone' && lease.phase !== 'failed') return;
    // Seen before, and shown again after a restart: the right may be another lease's now.
    if (this.#over.has(lease.grantId)) return;
    this.#over.add(lease.grantId);
    if (this.#cloud.bound(key)) this.#break('gone is observed', `${short(lease.grantId)} is ${lease.phase}, and its right stands`);
    else if (this.#cloud.enforces(key)) this.#break('gone is observed', `${short(lease.grantId)} is ${lease.phase}, and still works`);
  }

  #tick(): void {
    const { now } = this.timeline;
    for (const [id, asked] of this.#asked) {
      const lease = this.#holder?.get(id);
      const live = lease?.phase === 'assigned' || lease?.phase === 'usable' || lease?.phase === 'intended';
      const overdue = this.#computer.process?.running && live && this.#computer.now() >= asked.notAfter;
      asked.overdueSince = overdue ? (asked.overdueSince ?? now) : undefined;
      if (asked.overdueSince !== undefined && now - asked.overdueSince > NOTICED)
        this.#break('nothing stands past its instant', `${short(id)} is ${lease?.phase}`);
    }
  }

  #heal(): void {
    this.story.tell(() => 'faults stop');
    this.#crashesLeft = 0;
    this.#cloud.weather = { ...FAIR };
    this.#disk.full = false;
    this.#computer.wake();
    if (this.#computer.process) this.#computer.process.killAfter = Number.POSITIVE_INFINITY;
    const letGo = () => {
      this.#revoke();
      this.timeline.after(20 * SECOND, letGo);
    };
    letGo();
  }

  #revoke(): void {
    for (const { grantId } of this.#holder?.all ?? []) this.#holder?.take(grantId, { type: 'end', reason: 'revoked' });
  }

  #happenings(trouble: Millis): void {
    const dice = this.#dice;
    const { tell } = this.story;
    const times = (most: number, act: () => void) => {
      for (let left = dice.between(0, most); left > 0; left--) this.timeline.after(dice.next() * trouble, act);
    };
    for (let asks = dice.between(1, 4); asks > 0; asks--) this.timeline.after(dice.next() * trouble * 0.8, () => this.#ask());
    times(2, () => this.#computer.process?.running && this.#revoke());
    times(3, () => {
      this.#cloud.weather = badWeather(dice);
      tell(() => `the cloud does badly: ${JSON.stringify(this.#cloud.weather)}`);
      this.timeline.after(dice.between(1_000, 60_000), () => {
        this.#cloud.weather = { ...FAIR };
      });
    });
    times(1, () => {
      const by = dice.pick([HOUR, -HOUR]);
      tell(() => `the wall clock is set by ${by / SECOND} s`);
      this.#computer.setWall(by);
      this.counts['clocks set'] += 1;
    });
    times(1, () => {
      tell(() => 'the laptop sleeps');
      this.counts['sleeps and stalls'] += 1;
      this.#computer.sleep();
      this.timeline.after(dice.between(1_000, 60_000), () => this.#computer.wake());
    });
    times(1, () => {
      if (dice.chance(0.6)) return;
      tell(() => 'the disk is full');
      this.#disk.full = true;
      this.timeline.after(dice.between(1_000, 30_000), () => {
        this.#disk.full = false;
        this.#holder?.rewrite();
      });
    });
  }
}
