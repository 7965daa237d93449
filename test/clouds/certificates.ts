import { randomBytes } from 'node:crypto';
import { generate } from 'selfsigned';
import { HOUR, type Millis } from '../../protocol/clock.ts';

export interface Certificates {
  /** PEM of the private authority: what a client must trust. */
  ca: string;
  /** PEM of the server's private key. */
  key: string;
  /** PEM of the server's certificate, for localhost, 127.0.0.1 and ::1. */
  cert: string;
}

/** Valid also for a process whose clock is set back by days. */
const VALID_SINCE: Millis = 7 * 24 * HOUR;

/** A private authority and one server certificate, made now and kept nowhere. */
export async function makeCertificates(): Promise<Certificates> {
  // Two authorities of one name in one trust store are mistaken for each other.
  const name = `Portcullis test authority ${randomBytes(4).toString('hex')}`;
  const notBeforeDate = new Date(Date.now() - VALID_SINCE);
  const authority = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { ca: authority.cert, key: server.private, cert: server.cert };
}
