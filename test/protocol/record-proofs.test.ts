import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditEvent, AuditFilter } from '../../protocol/audit.ts';
import { recordLines } from '../../protocol/record-export.ts';
import { jsonLines, type RecordLine, readRecordLine, type Signed } from '../../protocol/record-file.ts';
import type { AskRecord } from '../../protocol/record-reader.ts';
import { RecordVerifier } from '../../protocol/record-verifier.ts';
import { recorded, recordOf, storyBodies } from '../support/audit-events.ts';
import { recordCrypto } from '../support/record-crypto.ts';
import { leftOut, Signer } from '../support/signed-record.ts';

const signer = new Signer();
const CENTRAL = recorded(Array.from({ length: 5 }, (_, n) => storyBodies(n)).flat());
const OWN = recorded([...storyBodies(7), ...storyBodies(8)], 'daemon-1');

interface World {
  /** What central shows this person of its record. */
  shown: AuditEvent[];
  signed: Signed[];
  /** Central answers so many questions about what it hides. */
  answers?: number;
}

function daemonOf({ shown, signed, answers = Number.POSITIVE_INFINITY }: World): AskRecord {
  const record = recordOf([...shown, ...OWN]);
  let left = answers;
  return (async (method: string, params: never) => {
    if (method === 'audit.signed') return { lines: signed };
    if (method !== 'audit.subtrees') return record(method as 'audit.read', params);
    const { source, ranges } = params as { source: string; ranges: { from: number; to: number }[] };
    const all = source === 'central' ? CENTRAL : OWN;
    return left-- > 0 ? { hashes: ranges.map(({ from, to }) => leftOut(all, from, to).omitted.hashes) } : {};
  }) as AskRecord;
}

async function exported(world: World, filter: AuditFilter = {}): Promise<RecordLine[]> {
  const lines: RecordLine[] = [];
  for await (const piece of recordLines(daemonOf(world), filter, true)) lines.push(...piece.lines);
  return lines;
}

/** As `audit verify FILE` does it. */
function verified(lines: RecordLine[]) {
  const verifier = new RecordVerifier(recordCrypto);
  for (const row of jsonLines(lines).trimEnd().split('\n')) verifier.add(readRecordLine(row) ?? assert.fail(row));
  return verifier.end();
}
const signedTo = (lines: RecordLine[]) => {
  const report = verified(lines);
  assert.ok(report.ok, JSON.stringify(report));
  return Object.fromEntries(report.chains.map(({ source, signed }) => [source, signed]));
};

const signedAt = (checkpoint: number, receipt: number): Signed[] => [
  signer.keyLine,
  { checkpoint: signer.checkpoint(CENTRAL, checkpoint) },
  { receipt: signer.receipt(OWN, receipt) },
];

test('whatever central hides, an export verifies up to what central has signed, its own chains from the head of the file', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(CENTRAL, { minLength: 1 }),
      fc.integer({ min: 1, max: CENTRAL.length }),
      fc.integer({ min: 1, max: OWN.length }),
      async (shown, checkpoint, receipt) => {
        const lines = await exported({ shown, signed: signedAt(checkpoint, receipt) });
        assert.deepEqual(signedTo(lines), { central: checkpoint, 'daemon-1': receipt });
        const own = lines.findIndex((line) => 'hash' in line && line.source === 'daemon-1');
        assert.ok('receipt' in (lines[own - 1] ?? {}));
      },
    ),
    { numRuns: 200 },
  );
});

test('when central cannot be asked, the export still verifies, and claims no more than it can prove', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(CENTRAL, { minLength: 1 }),
      fc.integer({ min: 1, max: CENTRAL.length }),
      fc.nat({ max: 1 }),
      async (shown, checkpoint, answers) => {
        const lines = await exported({ shown, signed: signedAt(checkpoint, 8), answers });
        const { central } = signedTo(lines);
        const isWhole = shown[checkpoint - 1]?.seq === checkpoint;
        if (answers === 0) assert.equal(central, isWhole ? checkpoint : 0);
      },
    ),
    { numRuns: 200 },
  );
});

test('under a filter everything that is left out is proven too', async () => {
  const lines = await exported({ shown: CENTRAL, signed: signedAt(33, 16) }, { kind: 'grant.gone' });
  assert.deepEqual(signedTo(lines), { central: 33, 'daemon-1': 16 });
});

test('without a central nothing is signed, and the lines are those of the record', async () => {
  const lines = await exported({ shown: [], signed: [] });
  assert.deepEqual(lines, OWN);
});

test('a tail that is cut off an own chain shows, for what is signed stands before it', async () => {
  const lines = await exported({ shown: CENTRAL, signed: signedAt(40, 16) });
  const report = verified(lines.filter((line) => !('hash' in line && line.source === 'daemon-1' && line.seq > 12)));
  assert.deepEqual(report.ok || [report.source, report.seq], ['daemon-1', 13]);
});
