import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Connection } from '../../../extension/daemon/connection.ts';
import type { EntryReading } from '../../../extension/daemon/entry.ts';
import type { Ended } from '../../../extension/daemon/start.ts';
import type { Link } from '../../../extension/link.ts';
import type { Client } from '../../../protocol/client.ts';
import type { EntryFile } from '../../../protocol/door.ts';
import { daemonState, uuid } from '../../daemon/cli/estate.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const ENTRY: EntryFile = {
  schema: 1,
  instance: uuid('1'),
  pid: 1,
  socket: '/s',
  secret: '0'.repeat(64),
  version: '0.1.0',
  versions: [1],
  startedAt: 0,
};

/** A machine on which daemons come and go as a test says. */
class World {
  readonly clock = new ManualClock();
  readonly links: Link[] = [];
  starts = 0;
  reading: EntryReading = { ok: false, why: 'absent', problem: 'none' };
  answers = true;
  /** What a start leads to. */
  onStart: () => Ended | undefined = () => undefined;
  readonly #drop = new Set<(why: string) => void>();
  open = 0;

  readonly connection = new Connection({
    clock: this.clock,
    random: () => 0.5,
    readEntry: async () => this.reading,
    open: (_, signal) =>
      this.answers
        ? Promise.resolve(this.#client())
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('slow')))),
    start: async () => {
      this.starts++;
      const how = this.onStart();
      return { ended: how ? Promise.resolve(how) : new Promise<Ended>(() => {}) };
    },
    onLink: (link) => void this.links.push(link),
  });

  get states(): string[] {
    return this.links.map(({ state }) => state);
  }

  up(): void {
    this.reading = { ok: true, entry: ENTRY };
  }

  down(): void {
    this.reading = { ok: false, why: 'dead', problem: 'gone' };
    for (const drop of [...this.#drop]) drop('gone');
    this.#drop.clear();
  }

  #client(): Client {
    this.open++;
    let closed = false;
    const close = () => {
      if (!closed) this.open--;
      closed = true;
    };
    this.#drop.add(close);
    return {
      state: daemonState(),
      call: () => Promise.reject(new Error('not asked here')),
      onChange: () => () => {},
      onClose: (listener) => {
        this.#drop.add(listener);
        return () => void this.#drop.delete(listener);
      },
      close,
    };
  }
}

describe('the link to the daemon', () => {
  it('uses the daemon that runs, and starts none', async () => {
    const world = new World();
    world.up();
    await world.connection.open();
    assert.deepEqual([world.states, world.starts], [['connected'], 0]);
    world.connection.close();
    assert.equal(world.open, 0);
    assert.equal(world.clock.armed, 0);
  });

  it('starts one when none runs, and connects once it is there', async () => {
    const world = new World();
    world.onStart = () => void world.clock.after(400, () => world.up()) as undefined;
    void world.connection.open();
    await world.clock.advance(300);
    assert.deepEqual(world.states, []);
    await world.clock.advance(200);
    assert.deepEqual([world.states, world.starts], [['connected'], 1]);
    world.connection.close();
  });

  it('says at once that contact is lost, and starts the next daemon', async () => {
    const world = new World();
    world.up();
    await world.connection.open();
    world.onStart = () => void world.up() as undefined;
    world.down();
    assert.deepEqual(world.states, ['connected', 'lost']);
    await world.clock.advance(100);
    assert.deepEqual([world.states, world.starts], [['connected', 'lost', 'connected'], 1]);
    world.connection.close();
  });

  it('waits for a daemon that is on its way out, then starts the next', async () => {
    const world = new World();
    world.onStart = () => {
      if (world.starts === 3) world.up();
      return world.starts === 3 ? undefined : { ok: true };
    };
    void world.connection.open();
    await world.clock.advance(5_000);
    assert.deepEqual([world.states, world.starts], [['connected'], 3]);
    world.connection.close();
  });

  it('says why none could be started, and goes on looking for one that somebody else starts', async () => {
    const world = new World();
    world.onStart = () => ({ ok: false, problem: 'node:sqlite is missing', wayOut: 'Use Node 24' });
    void world.connection.open();
    await world.clock.advance(200);
    assert.deepEqual(world.links.at(-1), { state: 'absent', problem: 'node:sqlite is missing', wayOut: 'Use Node 24' });
    world.up();
    await world.clock.advance(1_100);
    assert.equal(world.states.at(-1), 'connected');
    world.connection.close();
  });

  it('does not start for ever what cannot run here, until a person says so', async () => {
    const world = new World();
    world.onStart = () => ({ ok: false, problem: 'no' });
    void world.connection.open();
    await world.clock.advance(3_600_000);
    assert.equal(world.starts, 5);
    world.onStart = () => void world.up() as undefined;
    void world.connection.open();
    await world.clock.advance(1_000);
    assert.deepEqual([world.starts, world.states.at(-1)], [6, 'connected']);
    world.connection.close();
  });

  it('does not wait for ever for a daemon that is stuck', async () => {
    const world = new World();
    world.up();
    world.answers = false;
    world.onStart = () => ({ ok: true });
    void world.connection.open();
    await world.clock.advance(60_000);
    assert.ok(world.states.includes('absent'));
    world.connection.close();
    await world.clock.advance(60_000);
    assert.equal(world.clock.armed, 0);
  });

  it('leaves a daemon alone that speaks another protocol', async () => {
    const world = new World();
    world.reading = { ok: false, why: 'other version', problem: 'version 9', entry: ENTRY };
    await world.connection.open();
    await world.clock.advance(10_000);
    assert.equal(world.starts, 0);
    assert.equal(world.links.at(-1)?.state, 'absent');
    world.connection.close();
  });

  it('says hello again on demand without calling it a loss', async () => {
    const world = new World();
    world.up();
    await world.connection.open();
    await world.connection.renew();
    assert.deepEqual([world.states, world.open], [['connected', 'connected'], 1]);
    world.connection.close();
  });

  it('ends in truth whatever happens: connected to one daemon while one runs, never to two, nothing left after closing', async () => {
    const happening = fc.constantFrom('up', 'down', 'stuck', 'answers', 'open', 'renew', 'wait');
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 12 }), async (happenings) => {
        const world = new World();
        world.onStart = () => ({ ok: false, problem: 'cannot' });
        void world.connection.open();
        for (const what of happenings) {
          if (what === 'up') world.up();
          if (what === 'down') world.down();
          if (what === 'stuck') world.answers = false;
          if (what === 'answers') world.answers = true;
          if (what === 'open') void world.connection.open();
          if (what === 'renew') void world.connection.renew();
          await world.clock.advance(what === 'wait' ? 7_000 : 30);
          assert.ok(world.open <= 1, `${world.open} at once`);
        }
        world.answers = true;
        world.up();
        await world.clock.advance(180_000);
        assert.equal(world.states.at(-1), 'connected');
        world.connection.close();
        await settle();
        await world.clock.advance(20_000);
        assert.deepEqual([world.open, world.clock.armed], [0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
