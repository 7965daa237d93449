import { fromBase64, toBase64, toHex, utf8 } from './bytes.ts';
import type { Hash, Sha256 } from './merkle.ts';

/**
 * Signed notes as C2SP writes them (c2sp.org/signed-note): a text, an empty line, and for each signer a line with their name,
 * the first bytes of their key's hash, and the signature over the text. Witnesses and other people's tools read them too.
 */

/** Injected: `protocol/` has no crypto of its own. */
export interface RecordCrypto {
  sha256: Sha256;
  /** Ed25519. False also for a key that is none. */
  verifies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Whose signature counts. Written as `name+hash+key`. */
export interface NoteKey {
  name: string;
  /** The first four bytes of the hash over name and key. */
  id: Uint8Array;
  publicKey: Uint8Array;
}

export const KEY_NAME = /^[^\s+]{1,200}$/u;
/** Ed25519, in the notation of signed notes. */
const ALGORITHM = 0x01;
const ID_BYTES = 4;
const KEY_BYTES = 32;
const DASH = '\u2014';

export function noteKey(name: string, publicKey: Uint8Array, sha256: Sha256): NoteKey {
  return { name, publicKey, id: keyId(name, publicKey, sha256) };
}

export const writeNoteKey = ({ name, id, publicKey }: NoteKey): string =>
  `${name}+${toHex(id)}+${toBase64(Uint8Array.of(ALGORITHM, ...publicKey))}`;

/** Undefined when it is no Ed25519 key in that notation, or its hash is not its own. */
export function readNoteKey(text: string, sha256: Sha256): NoteKey | undefined {
  const [name = '', id = '', ...rest] = text.trim().split('+');
  // Base64 has a plus of its own.
  const bytes = fromBase64(rest.join('+'));
  if (!KEY_NAME.test(name) || bytes?.length !== 1 + KEY_BYTES || bytes[0] !== ALGORITHM) return undefined;
  const key = noteKey(name, bytes.slice(1), sha256);
  return toHex(key.id) === id ? key : undefined;
}

/** @param text Ends with a newline. */
export function signNote(text: string, key: Pick<NoteKey, 'name' | 'id'>, sign: (message: Uint8Array) => Uint8Array): string {
  return `${text}\n${DASH} ${key.name} ${toBase64(Uint8Array.of(...key.id, ...sign(utf8(text))))}\n`;
}

/** The text, when this key has signed it. Other signatures are passed over. */
export function openNote(note: string, key: NoteKey, crypto: RecordCrypto): string | undefined {
  const { text, signatures } = parts(note);
  const own = signatures.filter(({ name, id }) => name === key.name && toHex(id) === toHex(key.id));
  const holds = own.length > 0 && own.every(({ signature }) => crypto.verifies(key.publicKey, utf8(text), signature));
  return holds ? text : undefined;
}

/** What a note says, without any proof of it. */
export const noteText = (note: string): string => parts(note).text;

interface Signature {
  name: string;
  id: Hash;
  signature: Uint8Array;
}

/** Without signatures when it is no signed note. */
function parts(note: string): { text: string; signatures: Signature[] } {
  const end = note.lastIndexOf('\n\n');
  const lines = note.slice(end + 2).split('\n');
  const signatures = lines.slice(0, -1).flatMap(readSignature);
  const isWhole = end >= 0 && lines.at(-1) === '' && signatures.length === lines.length - 1;
  return { text: note.slice(0, end + 1), signatures: isWhole ? signatures : [] };
}

function readSignature(line: string): Signature[] {
  const [dash, name = '', base64 = '', ...more] = line.split(' ');
  const bytes = fromBase64(base64);
  if (dash !== DASH || more.length > 0 || !KEY_NAME.test(name) || !bytes || bytes.length <= ID_BYTES) return [];
  return [{ name, id: bytes.slice(0, ID_BYTES), signature: bytes.slice(ID_BYTES) }];
}

const keyId = (name: string, publicKey: Uint8Array, sha256: Sha256): Uint8Array =>
  sha256(Uint8Array.of(...utf8(name), 0x0a, ALGORITHM, ...publicKey)).slice(0, ID_BYTES);
