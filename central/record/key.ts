import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Fault } from '../../protocol/fault.ts';
import { type NoteKey, noteKey, signNote, writeNoteKey } from '../../protocol/note.ts';
import { recordCrypto } from './crypto.ts';

/** Signs the record. Whoever pinned its public half notices when another one signs. */
export interface RecordKey {
  readonly key: NoteKey;
  /** As it is published and pinned. */
  readonly published: string;
  /** @param text Of a signed note; ends with a newline. */
  sign(text: string): string;
}

/**
 * An Ed25519 key from a PEM file (PKCS #8), which is made when there is none.
 * @param name Whose record it is, in every signature.
 * @throws Fault `configuration-invalid` that names the file and the way out.
 */
export function loadRecordKey(file: string, name: string): RecordKey {
  const secret = read(file) ?? make(file);
  const { x = '' } = createPublicKey(secret).export({ format: 'jwk' });
  const key = noteKey(name, Buffer.from(x, 'base64url'), recordCrypto.sha256);
  return { key, published: writeNoteKey(key), sign: (text) => signNote(text, key, (message) => sign(null, message, secret)) };
}

function read(file: string): KeyObject | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalid(file, 'cannot be read', 'Check the path and who may read the file', cause);
  }
  try {
    // Whoever can read it can write the record anew.
    if (process.platform !== 'win32' && (fstatSync(fd).mode & 0o077) !== 0)
      throw invalid(file, 'may be read by others', `Run: chmod 600 ${file}`);
    const key = createPrivateKey(readFileSync(fd));
    if (key.asymmetricKeyType !== 'ed25519') throw invalid(file, 'is no Ed25519 key', 'Make one: openssl genpkey -algorithm ed25519');
    return key;
  } catch (cause) {
    throw cause instanceof Fault ? cause : invalid(file, 'holds no private key', 'Make one: openssl genpkey -algorithm ed25519', cause);
  } finally {
    closeSync(fd);
  }
}

function make(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    const fd = openSync(file, 'wx', 0o600);
    try {
      writeSync(fd, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw invalid(file, 'cannot be made', 'Check that the folder exists and may be written', cause);
  }
  return privateKey;
}

const invalid = (file: string, what: string, wayOut: string, cause?: unknown): Fault =>
  new Fault('configuration-invalid', `record.keyFile: ${file} ${what}`, { wayOut, cause });
