import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { makeCertificates } from '../clouds/certificates.ts';

export interface Mint {
  issuer: string;
  ca: string;
  /** A token of this issuer that says just this. */
  token(claims: JWTPayload): Promise<string>;
  close(): Promise<void>;
}

/** An issuer that signs whatever a test wants said. */
export async function startMint(): Promise<Mint> {
  const { ca, cert, key } = await makeCertificates();
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'mint' };
  const server = createServer({ cert, key }, (request, response) => {
    const said = request.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(said));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    ca,
    token: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'mint' }).setIssuer(issuer).sign(privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
