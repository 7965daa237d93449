import { toBase64 } from './bytes.ts';
import type { RecordCrypto } from './note.ts';

/** What is used of `node:crypto`; each process hands in its own. */
interface NodeCrypto<Key> {
  createHash(algorithm: string): { update(bytes: Uint8Array): { digest(): Uint8Array } };
  createPublicKey(given: { key: { kty: string; crv: string; x: string }; format: 'jwk' }): Key;
  verify(algorithm: null, message: Uint8Array, key: Key, signature: Uint8Array): boolean;
}

export function recordCryptoOf<Key>({ createHash, createPublicKey, verify }: NodeCrypto<Key>): RecordCrypto {
  return {
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    verifies(publicKey, message, signature) {
      const x = toBase64(publicKey).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      try {
        return verify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature);
      } catch {
        // 32 bytes that are no point of the curve.
        return false;
      }
    },
  };
}
