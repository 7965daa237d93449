import type { AuditEvent } from './audit.ts';
import { claimedCheckpoint, claimedReceipt } from './checkpoint.ts';
import { MOST_RANGES, type Omission, type RecordLine, type Signed } from './record-file.ts';
import type { AskRecord } from './record-reader.ts';

/**
 * What an exported record is proven with: what central has signed stands where the chain has grown so far, and what is left
 * out carries the hashes that a root needs.
 */

/** So often is asked for hashes; where there are more gaps, what comes after them is written without a proof. */
const MOST_QUESTIONS = 100;

/** Something signed about the first `size` events of a chain. */
interface Claim {
  size: number;
  line: Signed;
}

interface Chain {
  /** The last event that was written or left out. */
  last: number;
  /** Every event up to there was written, or its hashes were. */
  whole: boolean;
  /** In order of size. */
  claims: Claim[];
}

/** Turns events into the lines of a file. */
export interface RecordLines {
  head: RecordLine[];
  /** Takes the events of all chains, in order, in pieces of any size. */
  take(events: readonly AuditEvent[]): Promise<RecordLine[]>;
  end(): Promise<RecordLine[]>;
}

/** @param mayOmit Sources whose gaps are declared as left out. Any other gap stays undeclared, and does not verify. */
export async function provenLines(ask: AskRecord, mayOmit: (source: string) => boolean): Promise<RecordLines> {
  const { lines: signed } = await ask('audit.signed', {});
  const claims = Map.groupBy(
    signed.flatMap((line) => claimOf(line) ?? []),
    ({ source }) => source,
  );
  const chains = new Map<string, Chain>();
  let questions = 0;

  const chainOf = (source: string): Chain => {
    const known = claims.get(source)?.toSorted((a, b) => a.size - b.size) ?? [];
    const chain = chains.get(source) ?? { last: 0, whole: known.length > 0, claims: known };
    chains.set(source, chain);
    return chain;
  };

  /** In parts, so that each claim stands at the end of one. */
  const gap = (source: string, chain: Chain, to: number): Omission[] => {
    const ends = chain.claims.map(({ size }) => size).filter((size) => chain.whole && size > chain.last && size < to);
    return [...ends, to].map((end, at) => ({ source, from: (ends[at - 1] ?? chain.last) + 1, to: end }));
  };

  const hashesOf = async (source: string, gaps: readonly Omission[]): Promise<string[][] | undefined> => {
    if (++questions > MOST_QUESTIONS) return undefined;
    const ranges = gaps.map(({ from, to }) => ({ from, to }));
    const { hashes } = await ask('audit.subtrees', { source, ranges });
    return hashes?.length === gaps.length ? hashes : undefined;
  };

  /** With their hashes, as far as they are known. */
  const hashed = async (all: readonly Omission[]): Promise<Map<Omission, Omission>> => {
    const known = new Map<Omission, Omission>();
    for (const [source, gaps] of Map.groupBy(all, (one) => one.source)) {
      for (let at = 0; at < gaps.length && chainOf(source).whole; at += MOST_RANGES) {
        const asked = gaps.slice(at, at + MOST_RANGES);
        const hashes = await hashesOf(source, asked);
        if (!hashes) break;
        for (const [index, one] of asked.entries()) known.set(one, { ...one, hashes: hashes[index] });
      }
    }
    return known;
  };

  /** In order: what a line proves rests on all before it. */
  const settled = async (items: readonly (AuditEvent | Omission)[]): Promise<RecordLine[]> => {
    const known = await hashed(items.filter((item) => 'to' in item));
    return items.flatMap((item) => {
      const chain = chainOf(item.source);
      const isBeginning = chain.last === 0;
      const [end, line] = 'to' in item ? [item.to, { omitted: known.get(item) ?? item }] : [item.seq, item];
      // A chain that is not known from its beginning begins anywhere.
      const isBare = 'omitted' in line && line.omitted.hashes === undefined;
      if (isBare || ('seq' in item && item.seq !== chain.last + 1)) chain.whole = false;
      // Nothing may be missing of it: with what is signed at its head, a tail that is cut off shows.
      const first = isBeginning && chain.whole && !mayOmit(item.source) ? chain.claims.splice(0) : [];
      chain.last = end;
      const reached = chain.claims.filter(({ size }) => size === end);
      chain.claims = chain.claims.filter(({ size }) => size > end);
      const before = first.map((claim) => claim.line);
      const after = chain.whole ? reached.map((claim) => claim.line) : [];
      return [...before, ...(isBare && isBeginning ? [] : [line]), ...after];
    });
  };

  return {
    head: signed.filter((line) => 'recordKey' in line),
    take(events) {
      const reached = new Map<string, number>();
      const items = events.flatMap((event): (AuditEvent | Omission)[] => {
        const { source, seq } = event;
        const chain = chainOf(source);
        const last = reached.get(source) ?? chain.last;
        reached.set(source, seq);
        const isMissing = seq > last + 1 && mayOmit(source);
        return isMissing ? [...gap(source, { ...chain, last }, seq - 1), event] : [event];
      });
      return settled(items);
    },
    end() {
      const items = [...chains].flatMap(([source, chain]) => {
        const to = chain.claims.at(-1)?.size ?? 0;
        return chain.last > 0 && chain.whole && mayOmit(source) && to > chain.last ? gap(source, chain, to) : [];
      });
      return settled(items);
    },
  };
}

function claimOf(line: Signed): (Claim & { source: string }) | undefined {
  if ('checkpoint' in line) {
    const checkpoint = claimedCheckpoint(line.checkpoint);
    return checkpoint && { source: 'central', size: checkpoint.size, line };
  }
  const receipt = 'receipt' in line ? claimedReceipt(line.receipt) : undefined;
  return receipt && { source: receipt.source, size: receipt.to, line };
}
