import { createHash, createPublicKey, verify } from 'node:crypto';
import type { RecordCrypto } from '../../protocol/note.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());

/** For tests of `protocol/`, which knows no crypto; the processes bring their own. */
export const recordCrypto: RecordCrypto = {
  sha256,
  verifies: (publicKey, message, signature) =>
    verify(
      null,
      message,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }, format: 'jwk' }),
      signature,
    ),
};
