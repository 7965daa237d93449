import * as crypto from 'node:crypto';
import { recordCryptoOf } from '../../protocol/node-crypto.ts';

/** What the record is proven with. */
export const recordCrypto = recordCryptoOf(crypto);
