import { grantMachine } from '../../../central/grants/machine.ts';
import type { Actor } from '../../../central/people/actor.ts';
import { type Millis, SECOND } from '../../../protocol/clock.ts';
import { Central, RULES } from './central.ts';
import { Cloud } from './cloud.ts';
import { Computer, type Process } from './computer.ts';
import { type Counts, NOTHING } from './counts.ts';
import { Daemon } from './daemon.ts';
import { Dice } from './dice.ts';
import { Connection, Durable } from './durable.ts';
import { DaemonDisk } from './journal.ts';
import { Judge } from './judge.ts';
import { httpOver, Link } from './network.ts';
import { actorNamed } from './people.ts';
import type { Plant } from './plants.ts';
import { Story } from './story.ts';
import { Timeline } from './timeline.ts';

/** One machine of a person, and what runs on it. */
export interface Desk {
  computer: Computer;
  actor: Actor;
  disk: DaemonDisk;
  link: Link;
  daemon: Daemon | undefined;
  /** Since when its daemon runs and nothing is in its way to central. */
  freeSince: Millis | undefined;
  left: boolean;
}

export interface WorldParts {
  seed: number;
  plant?: Plant | undefined;
  told: boolean;
}

/** Everything of one life: computers, the real engine on them, the cloud, the judge. It starts, kills and restarts; the plan says when. */
export class World {
  readonly timeline = new Timeline();
  readonly story: Story;
  readonly cloud: Cloud;
  readonly durable = new Durable();
  readonly judge: Judge;
  readonly dice: Dice;
  readonly centrals: Computer[];
  readonly desks: Desk[];
  readonly counts: Counts = { ...NOTHING, lives: 1 };
  /** The central to which the balancer sends. */
  active: Central | undefined;
  /** Processes may still be killed between two effects. */
  crashesLeft: number;
  /** Nothing is started any more. */
  over = false;
  readonly #seed: number;
  readonly #plant: Plant | undefined;
  #streams = 0;

  constructor({ seed, plant, told }: WorldParts, plan: Dice) {
    this.#seed = seed;
    this.#plant = plant;
    this.dice = plan;
    this.story = new Story(this.timeline, told);
    const { tell } = this.story;
    this.cloud = new Cloud(
      this.timeline,
      this.#stream(),
      tell,
      { propagation: RULES.propagation, longestRequestLife: RULES.longestRequestLife, shortestHold: plan.pick([0, 0, 5 * SECOND]) },
      plan.between(-2_000, 2_000),
    );
    const storeWorks = () => !this.durable.health.full && this.durable.health.fails === 0;
    this.judge = new Judge({ cloud: this.cloud, now: () => this.timeline.now, tell, active: () => this.active, storeWorks });
    this.cloud.onChange = (key, order, change, right, sentAt) => this.judge.changed(key, order, change, right, sentAt);
    this.cloud.onCall = (process, what, order) => this.judge.called(process, what, order.grantId);
    this.cloud.onChecked = (key, access) => this.judge.checked(key, access);
    this.cloud.onHand = (id) => this.judge.removedByHand(id);
    this.durable.onCommit = (process, events, grants) => this.judge.committed(process, events, grants);
    this.durable.onFenced = (process, id) => this.judge.fenced(process, id);
    this.crashesLeft = plan.between(0, 4);
    const offset = () => plan.between(-3_000, 3_000);
    this.centrals = (plan.chance(0.35) ? ['central-a', 'central-b'] : ['central-a']).map(
      (name) => new Computer(name, this.timeline, offset()),
    );
    const owners = plan.pick([['alice'], ['alice'], ['alice'], ['alice'], ['alice', 'alice'], ['alice', 'ben']]);
    this.desks = owners.map((owner, index) => ({
      computer: new Computer(`laptop-${index + 1}`, this.timeline, offset()),
      actor: actorNamed(owner),
      disk: new DaemonDisk(),
      link: new Link(this.timeline, this.#stream(), () => this.#route()),
      daemon: undefined,
      freeSince: undefined,
      left: false,
    }));
  }

  startCentral(computer: Computer): void {
    const { tell } = this.story;
    computer.process?.kill();
    tell(() => `${computer.name} starts`);
    const process = this.#process(computer, () => this.#centralDied(computer, process));
    const dice = this.#stream();
    const central = new Central({
      process,
      connection: new Connection(this.durable, process, dice, this.centrals.length === 1 && this.#seed % 2 === 0),
      granting: this.cloud.granting(process),
      machine: grantMachine,
      plant: (parts) => ({ ...parts, ...this.#plant?.engine?.(parts, process) }),
      dice,
      tell,
      onHeard: (id, holdUntil) => {
        this.counts.heartbeats += 1;
        this.judge.heard(id, holdUntil);
      },
    });
    this.active = central;
    void central.start();
  }

  startDaemon(desk: Desk): void {
    const { computer, link, actor, disk } = desk;
    const { tell } = this.story;
    tell(() => `${computer.name}: the daemon starts`);
    const process = this.#process(computer, () => this.#daemonDied(desk, process));
    const dice = this.#stream();
    const http = httpOver(link, process, actor);
    desk.daemon = new Daemon({
      process,
      http: this.#plant?.http?.(http, link) ?? http,
      actor,
      access: this.cloud.access(process, actor.person.id),
      journal: disk.journal(process),
      dice,
      tell,
      onShown: (grant) => this.judge.shown(process, grant),
    });
    desk.daemon.start();
  }

  /** This person does not come back. */
  leave(desk: Desk): void {
    desk.left = true;
    desk.computer.process?.kill();
  }

  /** Another central takes over. What the first one does then is up to its fate. */
  failOver(fate: 'dies' | 'hangs' | 'goes on'): void {
    const from = this.active?.process.computer;
    const to = this.centrals.find((computer) => computer !== from);
    if (!to) return;
    this.counts.failovers += 1;
    this.judge.failedOver = true;
    this.story.tell(() => `${to.name} takes over; ${from?.name ?? 'nobody'} ${fate}`);
    const before = this.active?.process;
    if (fate === 'hangs') before?.stall(this.dice.between(2_000, 40_000));
    this.startCentral(to);
    if (fate === 'dies') before?.kill();
  }

  tick(): void {
    const { now } = this.timeline;
    for (const desk of this.desks) {
      const free = desk.daemon?.process.running && desk.link.cutSince === undefined && desk.link.loses === 0 && !desk.disk.full;
      desk.freeSince = free ? (desk.freeSince ?? now) : undefined;
    }
    this.judge.tick((computer) => this.desks.find((desk) => desk.computer === computer)?.freeSince);
  }

  /** Central that answers now. */
  #route(): Central | undefined {
    return this.active?.process.alive && this.active.readySince !== undefined ? this.active : undefined;
  }

  #process(computer: Computer, onDeath: () => void): Process {
    const process = computer.start();
    if (this.crashesLeft > 0 && this.dice.chance(0.5)) process.killAfter = this.dice.between(1, 90);
    process.onDeath(onDeath);
    return process;
  }

  #centralDied(computer: Computer, process: Process): void {
    this.#died(process);
    if (this.active?.process !== process || this.over) return;
    this.timeline.after(this.dice.delay(2_000, 25_000), () => {
      if (this.active?.process !== process) return;
      this.startCentral(computer);
    });
  }

  #daemonDied(desk: Desk, process: Process): void {
    this.#died(process);
    if (this.over || desk.left || this.dice.chance(0.25)) return;
    this.timeline.after(this.dice.delay(2_000, 25_000), () => {
      if (desk.computer.process === process && !desk.left) this.startDaemon(desk);
    });
  }

  #died(process: Process): void {
    if (this.over) return;
    this.crashesLeft -= 1;
    this.counts.crashes += 1;
    this.story.tell(() => `${process.computer.name} is killed after its effect ${process.effects}`);
  }

  #stream(): Dice {
    this.#streams += 1;
    return new Dice(this.#seed, this.#streams);
  }
}
