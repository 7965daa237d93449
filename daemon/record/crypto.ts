import { createHash, createPublicKey, verify } from 'node:crypto';
import type { RecordCrypto } from '../../protocol/note.ts';

/** What proves a record, by Node's own crypto. */
export const recordCrypto: RecordCrypto = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  verifies(publicKey, message, signature) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') };
    try {
      return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
    } catch {
      // 32 bytes that are no point of the curve.
      return false;
    }
  },
};
