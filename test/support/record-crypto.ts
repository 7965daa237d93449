import * as crypto from 'node:crypto';
import { recordCryptoOf } from '../../protocol/node-crypto.ts';

/** For tests of `protocol/`, which knows no crypto; the processes bring their own. */
export const recordCrypto = recordCryptoOf(crypto);
