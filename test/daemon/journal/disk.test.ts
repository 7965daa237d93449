import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ballastFile } from '../../../daemon/journal/ballast.ts';
import { Journal } from '../../../daemon/journal/journal.ts';
import { openJournal } from '../../../daemon/journal/open.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import { smallDisk } from '../../faults/disk/volume.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { grantId, requestId } from '../support/cloud.ts';
import { memoryLog } from '../support/stage.ts';

interface Opened {
  journal: Journal;
  clock: ManualClock;
  health: (string | undefined)[];
  db(): DatabaseSync;
}

function open(dir: string, clock = new ManualClock(), remembers = true): Opened {
  const file = path.join(dir, 'journal.db');
  const health: (string | undefined)[] = [];
  let db: DatabaseSync | undefined;
  const journal = new Journal({
    open: (suspect) => {
      db = openJournal(file, clock.now(), suspect);
      return db;
    },
    ballast: ballastFile(path.join(dir, 'journal.ballast')),
    remembers: () => remembers,
    clock,
    bootId: 'boot-1',
    source: 'me',
    log: memoryLog(),
    onHealth: (why) => void health.push(why),
    onEvent: () => {},
  });
  return {
    journal,
    clock,
    health,
    db: () => {
      assert.ok(db);
      return db;
    },
  };
}

test('a full disk of 1 MiB: no new power, an end is still written, and it heals when there is room', async (t) => {
  const dir = smallDisk(t);
  if (!dir) return t.skip('this user may not mount a file system');
  const { journal, clock, health, db } = open(dir);
  const end = clock.now() + 30 * MINUTE;
  for (let n = 1; n <= 20; n++) journal.must((leases) => leases.put('pim', grantId(n), `{"n":${n}}`, end));
  assert.equal(statSync(path.join(dir, 'journal.ballast')).size, 131_072);

  // Somebody else's file takes all that is left; what the log holds would be given back.
  db().exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const { bavail, bsize } = statfsSync(dir);
  const greedy = path.join(dir, 'greedy');
  writeFileSync(greedy, Buffer.alloc(bavail * bsize));
  assert.throws(() => {
    for (let n = 0; n < 100; n++) journal.must((leases) => leases.intend(requestId(n), 'x'.repeat(4_000)));
  }, /No durable record is possible/);
  assert.ok(journal.unhealthy);
  assert.ok(existsSync(path.join(dir, 'journal.ballast')), 'not spent on new power');

  for (let n = 1; n <= 20; n++)
    assert.notEqual(
      journal.may((leases) => {
        leases.put('pim', grantId(n), `{"n":${n},"ending":true}`, end, clock.now());
        return true;
      }),
      undefined,
      `the end of lease ${n} is written`,
    );
  assert.ok(!existsSync(path.join(dir, 'journal.ballast')), 'its room was given to the ends');
  assert.throws(() => journal.must((leases) => leases.intend(requestId(500), 'x'.repeat(200_000))), 'and still no new power');

  await clock.advance(30 * SECOND);
  assert.ok(journal.unhealthy, 'as long as there is no room');
  writeFileSync(greedy, '');
  await clock.advance(11 * SECOND);
  assert.equal(journal.unhealthy, undefined);
  assert.deepEqual(health.at(-1), undefined);
  assert.equal(statSync(path.join(dir, 'journal.ballast')).size, 131_072, 'made anew');
  journal.close();

  const again = open(dir, clock);
  const rows = again.journal.may((leases) => leases.load('pim', clock.now() - MINUTE));
  assert.equal(rows?.filter(({ endedAt }) => endedAt !== undefined).length, 20, 'every end is there');
  again.journal.close();
});

test('a log that fills a small disk is given back: the ballast finds its room again', async (t) => {
  const dir = smallDisk(t);
  if (!dir) return t.skip('this user may not mount a file system');
  const { journal, clock } = open(dir);
  const room = () => statfsSync(dir).bavail * statfsSync(dir).bsize;
  // Pages that are written again and again stand in the log only.
  const write = (n: number) => journal.may((leases) => leases.put('pim', grantId(n % 5), `{"n":${n}}`, clock.now() + MINUTE, clock.now()));
  for (let n = 1; n <= 100; n++) write(n);
  assert.ok(statSync(path.join(dir, 'journal.db-wal')).size > 150_000, 'more than the ballast');
  const greedy = path.join(dir, 'greedy');
  const take = () => writeFileSync(greedy, Buffer.alloc(room()), { flag: 'a' });
  take();
  // More than there is, even with the ballast's room, which somebody else takes then.
  const large = 'x'.repeat(600_000);
  journal.may((leases) => leases.put('pim', grantId(1), large, clock.now() + MINUTE, clock.now()));
  assert.ok(journal.unhealthy);
  assert.ok(!existsSync(path.join(dir, 'journal.ballast')));
  take();
  const { size } = statSync(greedy);
  truncateSync(greedy, size - 40_000);
  await clock.advance(11 * SECOND);
  assert.equal(journal.unhealthy, undefined, 'not the room alone that came back: the log was given back, too');
  assert.equal(statSync(path.join(dir, 'journal.ballast')).size, 131_072);
  journal.close();
});

test('room is given away once, and only for ends', (t) => {
  const dir = scratch(t);
  const ballast = ballastFile(path.join(dir, 'b'));
  ballast.keep();
  ballast.keep();
  assert.equal(ballast.drop(), true);
  assert.equal(ballast.drop(), false);
  writeFileSync(path.join(dir, 'b'), 'short');
  ballast.keep();
  assert.equal(statSync(path.join(dir, 'b')).size, 131_072, 'one that was cut short is made whole');
});

/** Overwrites everything but the header while the journal is open, and makes SQLite read it again. */
function damage(dir: string, db: DatabaseSync): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const file = path.join(dir, 'journal.db');
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 4_096);
  writeFileSync(file, bytes, { flag: 'r+' });
  db.exec('PRAGMA shrink_memory');
}

for (const remembers of [true, false]) {
  test(`damage found while running is set aside, and ${remembers ? 'nothing is unknown' : 'what was held is unknown'}`, async (t) => {
    const dir = scratch(t);
    const { journal, clock, db, health } = open(dir, new ManualClock(), remembers);
    for (let n = 1; n <= 200; n++) journal.must((leases) => leases.put('pim', grantId(n), 'x'.repeat(500), clock.now() + MINUTE));
    damage(dir, db());
    assert.equal(
      journal.may((leases) => leases.load('pim', 0)),
      undefined,
    );
    assert.match(journal.unhealthy ?? '', /malformed|not a database/);
    assert.throws(() => journal.must((leases) => leases.intend(requestId(1), '{}')), 'no new power meanwhile');
    await clock.advance(10);
    assert.equal(journal.unhealthy, undefined, 'and a new one is begun at once');
    assert.equal(health.at(-1), undefined);
    assert.ok(readdirSync(dir).some((name) => name.startsWith('journal.db.damaged-')));
    journal.must((leases) => leases.put('pim', grantId(1), '{}', clock.now() + MINUTE));
    const { events } = journal.query({ filter: { kind: 'journal.damaged' }, offset: 0, limit: 10 });
    assert.equal(events.length, 1);
    assert.equal(events[0]?.source, 'me.1', 'a chain of its own: the one before is in the file that was set aside');
    assert.equal(journal.setAside === undefined, remembers);
    journal.close();
    const next = open(dir, clock);
    assert.equal(next.journal.setAside === undefined, remembers, 'the next daemon says the same');
    next.journal.close();
  });
}

test('damage that shows when the whole record is read is told as such, and set aside like any other', async (t) => {
  const { journal, clock, db } = open(scratch(t));
  for (let n = 1; n <= 200; n++) journal.record({ kind: 'signed-in', text: 'x'.repeat(500) });
  damage(path.dirname(db().location() ?? ''), db());
  const all = { filter: {}, chains: [{ source: 'me', after: 0, to: 200 }], limit: 200 };
  assert.throws(
    () => journal.read(all),
    (error) => error instanceof Fault && error.code === 'store-failed' && /cannot be read/.test(error.message),
  );
  assert.match(journal.unhealthy ?? '', /malformed|not a database/);
  await clock.advance(10);
  assert.equal(journal.unhealthy, undefined);
  assert.equal(journal.query({ filter: { kind: 'journal.damaged' }, offset: 0, limit: 10 }).total, 1);
  // Its chain is in the file that was set aside: that is a chain which became shorter, and no damage of the new one.
  assert.throws(() => journal.read(all), /became shorter/);
  assert.equal(journal.unhealthy, undefined);
  journal.close();
});

test('a journal that may not be written: no new power, and reading goes on', async (t) => {
  const dir = scratch(t);
  const { journal, clock, db } = open(dir);
  journal.must((leases) => leases.put('pim', grantId(1), '{}', clock.now() + MINUTE));
  // The same as a file system that was mounted read-only: SQLITE_READONLY, 8.
  db().exec('PRAGMA query_only=1');
  assert.throws(() => journal.must((leases) => leases.intend(requestId(1), '{}')), /No durable record is possible/);
  assert.match(journal.unhealthy ?? '', /readonly/);
  assert.equal(journal.may((leases) => leases.load('pim', 0))?.length, 1);
  db().exec('PRAGMA query_only=0');
  await clock.advance(11 * SECOND);
  assert.equal(journal.unhealthy, undefined);
  journal.close();
});
