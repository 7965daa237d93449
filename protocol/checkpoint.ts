import { fromBase64, fromHex, toBase64, toHex } from './bytes.ts';
import type { Instant } from './clock.ts';
import type { Hash } from './merkle.ts';
import { type NoteKey, noteText, openNote, type RecordCrypto } from './note.ts';

/**
 * What central signs. A checkpoint (c2sp.org/tlog-checkpoint) fixes its own record up to a size; a receipt fixes a daemon's
 * record up to an event that central has taken in. Both are the texts of signed notes.
 */

export interface Checkpoint {
  /** Whose record it is: the name of the key that signs it. */
  origin: string;
  /** Events in the record, so the sequence number of the last one. */
  size: number;
  root: Hash;
}

export interface Receipt {
  origin: string;
  /** The daemon's chain. */
  source: string;
  /** The events that central took in with this receipt, both ends included. */
  from: number;
  to: number;
  /** Of the tree over the chain's events from 1 up to `to`: one hash for every one of them. */
  root: Hash;
  /** The event of central's record that tells of it. */
  seq: number;
  /** By central's clock. */
  at: Instant;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${toBase64(root)}\n`;

/** No origin has a space in it, so that neither text can be taken for the other. */
const RECEIPT = 'portcullis receipt v1';

export const receiptText = ({ origin, source, from, to, root, seq, at }: Receipt): string =>
  `${[RECEIPT, origin, source, from, to, toBase64(root), seq, at].join('\n')}\n`;

/** Undefined unless `key` has signed a checkpoint of its own record. */
export function openCheckpoint(note: string, key: NoteKey, crypto: RecordCrypto): Checkpoint | undefined {
  const checkpoint = openNote(note, key, crypto) === undefined ? undefined : claimedCheckpoint(note);
  return checkpoint?.origin === key.name ? checkpoint : undefined;
}

/** Undefined unless `key` has signed a receipt. */
export function openReceipt(note: string, key: NoteKey, crypto: RecordCrypto): Receipt | undefined {
  const receipt = openNote(note, key, crypto) === undefined ? undefined : claimedReceipt(note);
  return receipt?.origin === key.name ? receipt : undefined;
}

/** What a checkpoint says, whoever signed it. */
export function claimedCheckpoint(note: string): Checkpoint | undefined {
  // Lines after the third are extensions, which the signature covers and nobody here needs.
  const [origin = '', size = '', root = ''] = noteText(note).split('\n');
  const [count, hash] = [whole(size), hashOf(root)];
  return origin !== '' && count !== undefined && hash ? { origin, size: count, root: hash } : undefined;
}

/** Checkpoints that stand after each other in a text, as an anchor keeps them. Whatever else is between them is passed over. */
export const checkpointsIn = (text: string): string[] => text.match(/[^\n]+\n\d+\n[A-Za-z0-9+/=]+\n\n(?:\u2014 .*\n)+/g) ?? [];

/** What a receipt says, whoever signed it. */
export function claimedReceipt(note: string): Receipt | undefined {
  const [title, origin = '', source = '', from = '', to = '', root = '', seq = '', at = '', end, ...more] = noteText(note).split('\n');
  const [first, last, number, instant] = [whole(from), whole(to), whole(seq), whole(at)];
  const hash = hashOf(root);
  if (title !== RECEIPT || origin === '' || source === '' || end !== '' || more.length > 0) return undefined;
  if (first === undefined || last === undefined || number === undefined || instant === undefined || !hash) return undefined;
  return first >= 1 && first <= last ? { origin, source, from: first, to: last, root: hash, seq: number, at: instant } : undefined;
}

/** Hashes as JSON carries them. Undefined when one of them is none. */
export function readHashes(texts: readonly string[]): Hash[] | undefined {
  const hashes = texts.flatMap((text) => fromHex(text, 32) ?? []);
  return hashes.length === texts.length ? hashes : undefined;
}
export const writeHashes = (hashes: readonly Hash[]): string[] => hashes.map(toHex);

function hashOf(base64: string): Hash | undefined {
  const bytes = fromBase64(base64);
  return bytes?.length === 32 ? bytes : undefined;
}

/** One way to write each number. */
const whole = (text: string): number | undefined => (/^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined);
