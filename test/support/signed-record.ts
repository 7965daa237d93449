import { generateKeyPairSync, sign } from 'node:crypto';
import { type AuditEvent, canonicalJson } from '../../protocol/audit.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { checkpointText, receiptText, writeHashes } from '../../protocol/checkpoint.ts';
import { Frontier, fold, type Hash, leafHash, type Subtree, subtrees } from '../../protocol/merkle.ts';
import { consistencyPlan, solve } from '../../protocol/merkle-proof.ts';
import { type NoteKey, noteKey, signNote, writeNoteKey } from '../../protocol/note.ts';
import type { Omission, Signed } from '../../protocol/record-file.ts';
import { recordCrypto } from './record-crypto.ts';

const { sha256 } = recordCrypto;

/** A key of central's, as a test holds it. */
export class Signer {
  readonly key: NoteKey;
  readonly sign: (message: Uint8Array) => Uint8Array;

  constructor(name = 'portcullis') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    this.key = noteKey(name, new Uint8Array(raw), sha256);
    this.sign = (message) => new Uint8Array(sign(null, message, privateKey));
  }

  get keyLine(): Signed {
    return { recordKey: writeNoteKey(this.key) };
  }

  checkpoint(events: readonly AuditEvent[], size = events.length): string {
    return signNote(checkpointText({ origin: this.key.name, size, root: rootOf(events.slice(0, size)) }), this.key, this.sign);
  }

  receipt(events: readonly AuditEvent[], size = events.length): string {
    const source = events[0]?.source ?? '';
    const text = receiptText({ origin: this.key.name, source, from: 1, to: size, root: rootOf(events.slice(0, size)), seq: 1, at: 0 });
    return signNote(text, this.key, this.sign);
  }
}

const leaf = (event: AuditEvent): Hash => leafHash(sha256, utf8(canonicalJson(event)));

export function rootOf(events: readonly AuditEvent[]): Hash {
  const frontier = new Frontier(sha256);
  for (const event of events) frontier.add(leaf(event));
  return frontier.root;
}

/** A perfect subtree over events, from its leaves. */
const over =
  (events: readonly AuditEvent[]) =>
  ({ level, index }: Subtree): Hash => {
    if (level === 0) return leaf(events[index] as AuditEvent);
    const half = (at: number) => over(events)({ level: level - 1, index: at });
    return fold(sha256, [half(index * 2), half(index * 2 + 1)]);
  };

/** That the record of so many events grew out of the one of `old`. */
export const consistency = (events: readonly AuditEvent[], old: number): string[] =>
  writeHashes(solve(sha256, consistencyPlan(old, events.length), over(events)));

/** Leaves out events of one source, `from` to `to`, with their hashes. */
export function leftOut(events: readonly AuditEvent[], from: number, to: number): { omitted: Omission } {
  const hashes = writeHashes(subtrees(from - 1, to).map(over(events)));
  return { omitted: { source: events[0]?.source ?? '', from, to, hashes } };
}
