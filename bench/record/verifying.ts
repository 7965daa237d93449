import { createHash } from 'node:crypto';
import { recordCrypto } from '../../central/record/crypto.ts';
import { leafOf } from '../../central/store/tree.ts';
import { type AuditEvent, canonicalJson, firstBroken } from '../../protocol/audit.ts';
import { toHex } from '../../protocol/bytes.ts';
import { Frontier } from '../../protocol/merkle.ts';
import { recorded, storyBodies } from '../../test/support/audit-events.ts';
import { type Table, times } from '../contract.ts';

const ROUNDS = 5;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Verification of a record beside bare SHA-256 of the same bytes. */
export function verifyingCost(count: number): Table {
  const events = recorded(Array.from({ length: Math.ceil(count / 8) }, (_, n) => storyBodies(n)).flat());
  const lines = events.map((event) => JSON.stringify(event));
  const bytes = events.map(({ hash: _, ...unsealed }) => `${unsealed.prev}\n${canonicalJson(unsealed)}`);
  const root = rootOf(events);
  const contestants: [name: string, run: () => void][] = [
    ['bare SHA-256', () => bytes.forEach(sha256)],
    ['place in the chain and hash', () => mustHold(events)],
    ['leaf and node of the RFC 6962 tree, and its root', () => mustHaveRoot(events, root)],
    ['the same, from the lines of a file', () => mustHold(lines.map((line) => JSON.parse(line) as AuditEvent))],
  ];
  const best = contestants.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [n, [, run]] of contestants.entries()) {
      const start = performance.now();
      run();
      best[n] = Math.min(best[n] as number, performance.now() - start);
    }
  }
  const [floor = Number.NaN] = best;
  return {
    title: 'Verification of an event beside bare SHA-256',
    about: `The floor hashes the same bytes and compares nothing. The best of ${ROUNDS} rounds, in turns.`,
    columns: ['', 'per event'],
    rows: contestants.map(([name], n) => [name, times((best[n] as number) / floor)]),
    goals: [],
  };
}

function rootOf(events: readonly AuditEvent[]): string {
  const frontier = new Frontier(recordCrypto.sha256);
  for (const event of events) frontier.add(leafOf(event));
  return toHex(frontier.root);
}

function mustHaveRoot(events: readonly AuditEvent[], root: string): void {
  if (rootOf(events) !== root) throw new Error('The tree has another root');
}

function mustHold(events: readonly AuditEvent[]): void {
  const broken = firstBroken(events, sha256);
  if (broken) throw new Error(`Event ${broken.seq} ${broken.why}`);
}
