import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { type AuditBody, type AuditEvent, canonicalJson } from '../../../protocol/audit.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { formatOf, writeRecord } from '../../../protocol/record-export.ts';
import { isEvent, type RecordLine, readRecordLine } from '../../../protocol/record-file.ts';
import { RecordVerifier, type Trust } from '../../../protocol/record-verifier.ts';
import { FakeCentral } from '../../daemon/support/central.ts';
import { RESOURCE, ROLE } from '../../daemon/support/cloud.ts';
import { startStage } from '../../daemon/support/stage.ts';
import { recorded } from '../../support/audit-events.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { recordCrypto } from '../../support/record-crypto.ts';
import { Signer } from '../../support/signed-record.ts';

/** One story of a real daemon, asked for, used and given back, with an event of central's that this person may not see. */
let TEXT = '';
let TRUST: Trust = {};
const CHECKPOINT: string[] = [];
let central: FakeCentral;

before(async () => {
  const ended: (() => unknown)[] = [];
  const clock = new ManualClock();
  central = new FakeCentral(clock);
  const stage = await startStage({ after: (end: () => unknown) => void ended.push(end) } as never, {
    authorities: ['central'],
    http: central,
    clock,
  });
  await clock.advance(SECOND);
  const client = await stage.client();
  central.tell({ kind: 'central.started', text: 'somebody else' }, { redacted: true });
  const key = { idempotencyKey: randomUUID(), resourceId: RESOURCE.id, roleId: ROLE.id, authority: 'central' as const };
  const asked = client.call('request', { ...key, duration: 30 * MINUTE, reason: 'Drain web-1' });
  await clock.advance(2 * MINUTE);
  assert.ok((await asked).ok);
  await client.call('revoke.all', {});
  await clock.advance(2 * MINUTE);
  const append = async (text: string) => {
    TEXT += text;
  };
  await writeRecord({
    ask: (method, params) => client.call(method, params),
    filter: {},
    format: formatOf('jsonl', '0.1.0'),
    append,
    progress: () => {},
    cancelled: () => false,
  });
  TRUST = { key: central.signer.key };
  CHECKPOINT.push(central.signer.checkpoint(central.record));
  for (const end of ended) await end();
});

const rows = (): string[] => TEXT.trimEnd().split('\n');
const lines = (): RecordLine[] => rows().map((row) => readRecordLine(row) ?? assert.fail(row));
const eventsOf = (all: readonly RecordLine[], isCentral: boolean) =>
  all.filter(isEvent).filter(({ source }) => (source === 'central') === isCentral);

function found(all: Iterable<RecordLine>, trust: Trust = TRUST): { source: string; seq: number; why: string } | undefined {
  const verifier = new RecordVerifier(recordCrypto, trust);
  for (const line of all) if (!verifier.add(line)) break;
  const report = verifier.end();
  return report.ok ? undefined : { source: report.source, seq: report.seq, why: report.why };
}

/** Links made anew, as anybody can; with the lines that are no events left where they are. */
function rebuilt(all: readonly RecordLine[], source: string, change: (events: AuditEvent[]) => AuditEvent[]): RecordLine[] {
  const isOwn = (line: RecordLine): line is AuditEvent => isEvent(line) && line.source === source;
  const bodies = change(all.filter(isOwn)).map(({ source: _, seq: __, prev: ___, hash: ____, ...body }) => body as AuditBody);
  const anew = recorded(bodies, source);
  return [...all.filter((line) => 'recordKey' in line), ...anew, ...all.filter((line) => !isOwn(line) && !('recordKey' in line))];
}

test('the untouched record verifies, signed to its end, with what is hidden left out', () => {
  const verifier = new RecordVerifier(recordCrypto, { ...TRUST, checkpoints: CHECKPOINT });
  for (const line of lines()) verifier.add(line);
  const report = verifier.end();
  assert.ok(report.ok, JSON.stringify(report));
  assert.equal(report.chains.length, 2);
  for (const { last, signed } of report.chains) assert.ok(signed >= last, `${signed} of ${last}`);
  assert.ok(report.chains.some(({ omitted }) => omitted.length > 0));
});

const own = () => eventsOf(lines(), false)[0]?.source ?? '';
const at = (all: readonly RecordLine[], source: string, seq: number) =>
  all.findIndex((line) => isEvent(line) && line.source === source && line.seq === seq);

const CORPUS: Record<string, () => [RecordLine[], Trust?]> = {
  'an edit': () => [lines().map((line) => (isEvent(line) && line.source === own() && line.seq === 2 ? { ...line, text: 'Idle' } : line))],
  'a deletion': () => [lines().toSpliced(at(lines(), own(), 2), 1)],
  'an insertion': () => [lines().toSpliced(at(lines(), own(), 2), 0, lines()[at(lines(), own(), 3)] as RecordLine)],
  'a swap': () => {
    const all = lines();
    const [a, b] = [at(all, own(), 2), at(all, own(), 3)];
    return [all.with(a, all[b] as RecordLine).with(b, all[a] as RecordLine)];
  },
  'a truncated tail': () => [lines().filter((line) => !(isEvent(line) && line.source === 'central') || line.seq < 3)],
  'a tail cut with its signatures, against a checkpoint from elsewhere': () => [
    lines().filter((line) => 'recordKey' in line || (isEvent(line) && line.source === 'central' && line.seq === 1)),
    { ...TRUST, checkpoints: CHECKPOINT },
  ],
  "a daemon's chain cut": () => [lines().filter((line) => !(isEvent(line) && line.source === own()) || line.seq < 4)],
  'a deletion with all links made anew': () => [rebuilt(lines(), own(), (events) => events.toSpliced(2, 1))],
  'an edit with all links made anew': () => [
    rebuilt(lines(), own(), (events) => events.map((e) => (e.seq === 2 ? { ...e, text: 'Idle' } : e))),
  ],
  'a fork from the third event on': () => [
    rebuilt(lines(), own(), (events) => events.map((e) => (e.seq >= 3 ? { ...e, at: e.at + 1 } : e))),
  ],
  'a receipt for another chain': () => {
    const other = central.signer.receipt(recorded([{ kind: 'daemon.started', at: 1, boot: 1, text: 'x' }], 'daemon-x'));
    return [lines().map((line) => ('receipt' in line ? { receipt: other } : line))];
  },
  'a checkpoint of another record with the same key': () => [
    lines().map((line) =>
      'checkpoint' in line ? { checkpoint: central.signer.checkpoint(central.record.map((e) => ({ ...e, at: e.at + 1 }))) } : line,
    ),
  ],
  'a checkpoint of another key': () => [
    lines().map((line) => ('checkpoint' in line ? { checkpoint: new Signer().checkpoint(central.record) } : line)),
  ],
  'another key in the file': () => [lines().map((line) => ('recordKey' in line ? new Signer().keyLine : line))],
  'hashes of what is left out exchanged': () => [
    lines().map((line) =>
      'omitted' in line ? { omitted: { ...line.omitted, hashes: line.omitted.hashes?.map(() => '00'.repeat(32)) ?? [] } } : line,
    ),
  ],
  'hashes of what is left out taken away': () => [
    lines().map((line) =>
      'omitted' in line ? { omitted: { source: line.omitted.source, from: line.omitted.from, to: line.omitted.to } } : line,
    ),
  ],
  'an event said to be left out': () => {
    const all = lines();
    const event = all.find((line) => isEvent(line) && line.source === 'central' && line.seq === 2) as AuditEvent | undefined;
    return [
      all.flatMap((line) => (line === event ? [{ omitted: { source: 'central', from: 2, to: 2, hashes: ['11'.repeat(32)] } }] : [line])),
    ];
  },
};

for (const [name, tampered] of Object.entries(CORPUS)) {
  test(`found and named: ${name}`, () => {
    const [all, trust] = tampered();
    assert.notDeepEqual(all, lines(), 'the record is changed');
    const wrong = found(all, trust);
    assert.ok(wrong, name);
    assert.ok(wrong.source !== '' && wrong.seq >= 1 && wrong.why !== '');
  });
}

test('any change of one byte of any line is found', () => {
  const all = rows();
  fc.assert(
    fc.property(fc.nat(all.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (row, place, turn) => {
      const bytes = Buffer.from(all[row] ?? '');
      const index = place % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ turn;
      const read = bytes.includes(0x0a) ? undefined : readRecordLine(bytes.toString('utf8'));
      if (read === undefined) return;
      assert.ok(found(lines().with(row, read)), canonicalJson(read));
    }),
    { numRuns: 300 },
  );
});
