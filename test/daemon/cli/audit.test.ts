import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { Fault } from '../../../protocol/fault.ts';
import { recordOf } from '../../support/audit-events.ts';
import { ALICE, BEN, byId, EDGE, grant, record, refOf, uuid, WEB } from './estate.ts';
import { stage } from './stage.ts';

const EVENTS = [
  ...record('central', [
    { kind: 'request.created', text: 'Alice asked for backends', person: ALICE, resource: refOf(EDGE, WEB), reason: 'Drain' },
    { kind: 'request.approved', text: 'Ben approved', person: BEN, resource: refOf(EDGE, WEB), approvedBy: [BEN] },
    { kind: 'grant.usable', text: 'Access works', person: ALICE, resource: refOf(EDGE, WEB), grantId: grant().id },
  ]),
];
/** More than one page, from two sources. */
const MANY = [
  ...record(
    'central',
    Array.from({ length: 450 }, () => ({})),
  ),
  ...record(
    'daemon-1',
    Array.from({ length: 70 }, () => ({})),
  ),
].sort((a, b) => a.at - b.at || a.source.localeCompare(b.source) || a.seq - b.seq);

test('tail shows the newest, oldest first', async (t) => {
  const { run } = await stage(t, { events: EVENTS });
  assert.equal(
    (await run('audit', 'tail', '-n', '2')).out,
    [
      'TIME                 EVENT             PERSON       RESOURCE       GRANT     WHAT',
      '2026-11-23 12:01:00  request.approved  Ben Okafor   prod-edge/web            Ben approved',
      '2026-11-23 12:02:00  grant.usable      Alice Novak  prod-edge/web  bbbbbbbb  Access works',
      '',
    ].join('\n'),
  );
});

test('tail and export ask the daemon for exactly what was filtered', async (t) => {
  const { run, calls } = await stage(t, { state: { grants: byId(grant()) } });
  await run(
    'audit',
    'tail',
    '--person',
    'oid-alice',
    '--balancer',
    'prod-edge',
    '--grant',
    'bbbb',
    '--kind',
    'grant.gone',
    '--text',
    'late',
  );
  assert.deepEqual(calls.at(-1), [
    'audit.query',
    { filter: { person: 'oid-alice', balancer: EDGE.id, grantId: uuid('b'), kind: 'grant.gone', text: 'late' }, offset: 0, limit: 20 },
  ]);
  assert.equal((await run('audit', 'tail', '--kind', 'party')).status, 2);
});

test('following prints what comes, once, until Ctrl-C', async (t) => {
  const events = EVENTS.slice(0, 1);
  const on = await stage(t, { events });
  let shown = '';
  const following = on.run('audit', 'tail', '--follow');
  const settle = () => new Promise((resolve) => setTimeout(resolve, 50));
  await settle();
  for (const event of EVENTS.slice(1)) {
    events.push(event);
    on.live.apply({ type: 'audit', event });
    await settle();
  }
  on.interrupt();
  const ran = await following;
  shown = ran.out;
  assert.equal(ran.status, 0);
  assert.deepEqual(
    shown
      .trimEnd()
      .split('\n')
      .map((row) => row.split(/ {2,}/)[1]),
    ['EVENT', 'request.created', 'request.approved', 'grant.usable'],
  );
});

test('an export holds every event once, in order, and verifies', async (t) => {
  const { run, dir } = await stage(t, { events: MANY });
  const file = path.join(dir, 'record.jsonl');
  const written = await run('audit', 'export', '--out', file);
  assert.equal(written.out, `Wrote 520 events to ${file}.\n`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await readFile(file, 'utf8')).trimEnd().split('\n').length, 520);
  const verified = await run('audit', 'verify', file);
  assert.equal(verified.status, 0);
  assert.match(verified.out, /verifies: 520 events\.\n[\s\S]*central +450 +1 +450 +0 +0 [\s\S]*daemon-1 +70 +1 +70 +0 +0 /);
  assert.equal((await run('audit', 'verify')).status, 0);
  assert.equal((await run('audit', 'export', '--out', file)).status, 2, 'an existing file is not written over');
});

test('a record that grows while it is exported is written as it stood at the beginning, without a gap or a double', async (t) => {
  const events = MANY.filter(({ source }) => source === 'central').slice(0, 300);
  const coming = MANY.filter(({ source }) => source === 'central').slice(300);
  const record = recordOf(events, () => void events.push(...coming.splice(0, 7)));
  const { run, dir } = await stage(t, {
    handlers: {
      'audit.chains': (params) => record('audit.chains', params),
      // Large events come fewer at a time than asked for.
      'audit.read': (params) => record('audit.read', { ...params, limit: Math.min(params.limit, 100) }),
    },
  });
  const file = path.join(dir, 'record.jsonl');
  await run('audit', 'export', '--out', file);
  const seqs = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((row) => (JSON.parse(row) as AuditEvent).seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: 307 }, (_, index) => index + 1),
  );
});

test('an export that is broken off or fails leaves no file, and an existing one is never touched', async (t) => {
  const record = recordOf([...MANY]);
  let asked = 0;
  let failing = false;
  const on = await stage(t, {
    handlers: {
      'audit.chains': (params) => record('audit.chains', params),
      'audit.read': (params) => {
        if (++asked === 2 && failing) throw new Fault('store-failed', 'The record became shorter while it was read');
        if (asked === 2) on.interrupt();
        return record('audit.read', { ...params, limit: 50 });
      },
    },
  });
  const file = path.join(on.dir, 'record.jsonl');
  assert.equal((await on.run('audit', 'export', '--out', file)).status, 130);
  assert.deepEqual(await readdir(on.dir), ['s']);
  [asked, failing] = [0, true];
  assert.equal((await on.run('audit', 'export', '--out', file)).status, 4);
  assert.deepEqual(await readdir(on.dir), ['s']);
  await writeFile(file, 'mine');
  const taken = await on.run('audit', 'export', '--out', file);
  assert.deepEqual([taken.status, taken.err], [2, `${file} exists already\n`]);
  assert.equal(await readFile(file, 'utf8'), 'mine');
  const nowhere = await on.run('audit', 'export', '--out', path.join(on.dir, 'no', 'such', 'folder'));
  assert.deepEqual([nowhere.status, /cannot be written/.test(nowhere.err)], [2, true]);
});

test('with --json an export is one document, of the events and of what is left out', async (t) => {
  const { run } = await stage(t, { events: MANY });
  const whole = (await run('audit', 'export', '--json')).json as { events: AuditEvent[]; omitted: unknown[] };
  assert.deepEqual([whole.events.length, whole.omitted], [520, []]);
  assert.deepEqual((await stage(t, {}).then((empty) => empty.run('audit', 'export', '--json'))).json, { events: [], omitted: [] });
  const hidden = await stage(t, { events: MANY.filter(({ source, seq }) => source !== 'central' || seq % 150 !== 3) });
  const some = (await hidden.run('audit', 'export', '--json')).json as { events: AuditEvent[]; omitted: { from: number }[] };
  assert.deepEqual([some.events.length, some.omitted.map(({ from }) => from)], [517, [3, 153, 303]]);
});

test('what is hidden from a person is declared; what is missing from the own record does not verify', async (t) => {
  const hidden = await stage(t, { events: MANY.filter(({ source, seq }) => source !== 'central' || seq % 3 !== 0) });
  const verified = await hidden.run('audit', 'verify');
  assert.equal(verified.status, 0);
  assert.match(verified.out, /Some were left out/);
  const missing = await stage(t, { events: MANY.filter(({ source, seq }) => source !== 'daemon-1' || seq !== 5) });
  const broken = await missing.run('audit', 'verify', '--json');
  assert.equal(broken.status, 5);
  assert.deepEqual((broken.json as { firstWrong: unknown }).firstWrong, { source: 'daemon-1', seq: 6, why: 'expected event 5' });
});

test('a changed file does not verify, and the first wrong event is named', async (t) => {
  const { run, dir } = await stage(t, { events: EVENTS });
  const { out } = await run('audit', 'export');
  const file = path.join(dir, 'changed.jsonl');
  await writeFile(file, out.replace('Ben approved', 'Ben refused'));
  const changed = await run('audit', 'verify', file);
  assert.deepEqual([changed.status, changed.err], [5, `${file} does not verify at event 2 of central: its content was changed\n`]);
  await writeFile(file, out.split('\n').toSpliced(1, 1).join('\n'));
  assert.match((await run('audit', 'verify', file)).err, /event 3 of central: expected event 2/);
  await writeFile(file, `${out}garbage\n`);
  const garbage = await run('audit', 'verify', file, '--json');
  assert.equal(garbage.status, 5);
  assert.deepEqual((garbage.json as { firstWrong: unknown }).firstWrong, { line: 4, why: 'it is no line of a record' });
  await writeFile(file, '');
  assert.equal((await run('audit', 'verify', file)).status, 5);
});

test('verifying a file needs no daemon', async (t) => {
  const { run, dir, kill } = await stage(t, { events: EVENTS });
  const file = path.join(dir, 'record.jsonl');
  await run('audit', 'export', '--out', file);
  await kill();
  assert.equal((await run('audit', 'verify', file)).status, 0);
});

test('CSV is one heading and one row for each event', async (t) => {
  const { run } = await stage(t, { events: EVENTS });
  const rows = (await run('audit', 'export', '--format', 'csv')).out.trimEnd().split('\r\n');
  assert.equal(rows.length, 4);
  assert.match(rows[2] ?? '', /,"Ben Okafor[^"]*",/);
  assert.ok(rows[2]?.endsWith(`,"${EVENTS[1]?.hash}"`));
});

test('OCSF is one event of that schema in each line', async (t) => {
  const { run } = await stage(t, { events: EVENTS });
  const rows = (await run('audit', 'export', '--format', 'ocsf')).out.trimEnd().split('\n');
  assert.deepEqual(
    rows.map((row) => JSON.parse(row)).map(({ class_uid, metadata }) => [class_uid, metadata.version, metadata.sequence]),
    EVENTS.map(({ seq }, index) => [[3004, 3004, 6003][index], '1.8.0', seq]),
  );
});
