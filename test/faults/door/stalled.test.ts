import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openJournal } from '../../../daemon/journal/open.ts';
import { RecordStore } from '../../../daemon/journal/record.ts';
import { LIMITS } from '../../../protocol/door.ts';
import { bytesOf, text } from './frames.ts';
import { MemoryWatch, residentOf } from './memory.ts';
import { RawConnection } from './raw-connection.ts';
import { clock, makeLonelyHome, startDaemonOf } from './real-daemon.ts';

const READERS = 8;
/** As many as may be said at once, after hello. */
const QUESTIONS = 2 * LIMITS.messagesPerSecond - 2;
/** The largest answer of a record. */
const ANSWER = LIMITS.answer / 2;
/** Calls of one client at once: so many answers may be under way when the first of them fills its buffer. */
const AT_ONCE = 16;
/** On a busy machine garbage is collected late: as much again may lie about. Without bounds it would be more than was asked for. */
const UNCOLLECTED = 2;

test('readers that stall with large answers unread: memory stays bounded, others are served, and who reads on loses nothing', {
  timeout: 120_000,
  skip: process.platform !== 'linux' && 'reads /proc',
}, async (t) => {
  const home = makeLonelyHome(t);
  mkdirSync(home.places.stateDir, { recursive: true, mode: 0o700 });
  const db = openJournal(path.join(home.places.stateDir, 'journal.db'), clock.now());
  const record = new RecordStore(db, randomUUID());
  const reason = 'long '.repeat(400).trim();
  for (let at = 0; at < 1_500; at++) record.append({ kind: 'request.created', text: `Asked ${at}`, reason, at, boot: at });
  db.close();
  const daemon = await startDaemonOf(t, home);
  const good = await daemon.client();
  const before = residentOf(daemon.pid) ?? 0;
  const memory = new MemoryWatch(daemon.pid, () => 0);
  t.after(() => memory.stop());
  const readers = Array.from({ length: READERS }, () => new RawConnection(daemon.entry.socket));
  t.after(() => Promise.all(readers.map((reader) => reader.end())));
  const question = (id: number) =>
    bytesOf(text(JSON.stringify({ jsonrpc: '2.0', id, method: 'audit.query', params: { filter: {}, offset: 0, limit: 1_000 } })));
  for (const reader of readers) {
    assert.ok((await reader.upgraded(20_000)) && (await reader.greet(daemon.entry, 20_000)));
    reader.said.length = 0;
  }
  for (const reader of readers) {
    reader.socket.pause();
    reader.write(Buffer.concat(Array.from({ length: QUESTIONS }, (_, at) => question(at + 2))));
  }
  for (let round = 0; round < 30; round++) {
    await good.call('audit.facets', {});
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const grown = memory.peak - before;
  const whole = (READERS * QUESTIONS * ANSWER) / 2 ** 20;
  const promised = (READERS * AT_ONCE * ANSWER * UNCOLLECTED) / 2 ** 20;
  t.diagnostic(`${Math.round(grown)} MiB more, of ${Math.round(whole)} MiB that were asked for`);
  assert.ok(grown < promised, `${grown} MiB, and ${promised} MiB may be`);
  const [reader] = readers;
  reader?.socket.resume();
  // Beside what the daemon tells everybody meanwhile.
  const answers = () => reader?.said.filter((message) => message.startsWith('{"jsonrpc":"2.0","id":')).length;
  assert.ok(await reader?.until(() => answers() === QUESTIONS, 60_000), `${answers()} answers`);
  assert.ok((await good.call('audit.facets', {})).kinds.includes('request.created'));
  good.close();
});
