import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../protocol/clock.ts';
import { MINUTE } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';

export interface Loopback {
  /** Where the browser comes back to: `http://127.0.0.1:<port>/cb`. */
  redirectUri: string;
  /** The one answer, with its parameters. Rejects after five minutes, or when closed. */
  answer: Promise<URL>;
  close(): void;
}

const OPEN_FOR = 5 * MINUTE;
const PAGE = (title: string, text: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font-family:system-ui;margin:4rem auto;max-width:30rem"><h1>${title}</h1><p>${text}</p></body></html>`;

/**
 * A page on this machine for one sign-in: random port, loopback only, closed with its first right answer.
 * @param state What the answer must carry: without it, it is none of ours.
 */
export async function openLoopback(clock: Clock, state: string): Promise<Loopback> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000, maxHeaderSize: 16_384 });
  server.maxConnections = 10;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let settle: { resolve(url: URL): void; reject(error: Error): void } | undefined;
  const answer = new Promise<URL>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever asked may have gone: then its end is nobody's concern.
  answer.catch(() => {});
  const end = () => {
    cancel();
    server.close();
    server.closeIdleConnections();
  };
  const cancel = clock.after(OPEN_FOR, () => {
    settle?.reject(new Fault('sign-in-failed', 'Nobody signed in within five minutes', { wayOut: 'Sign in again.' }));
    end();
  });
  server.on('request', (request, response) => {
    const url = URL.canParse(request.url ?? '', `http://${host}`) ? new URL(request.url ?? '', `http://${host}`) : undefined;
    const ours =
      request.method === 'GET' && request.headers.host === host && url?.pathname === '/cb' && url.searchParams.get('state') === state;
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    response.setHeader('cache-control', 'no-store');
    response.setHeader('connection', 'close');
    if (!ours || !url) {
      response.writeHead(403).end(PAGE('Not for this page', 'This address only takes the answer to a sign-in.'));
      return;
    }
    const failed = url.searchParams.has('error');
    response.end(
      failed
        ? PAGE('Sign-in did not work', 'You can close this tab. The editor says more.')
        : PAGE('Almost there', 'You can close this tab and go back to the editor.'),
    );
    settle?.resolve(url);
    end();
  });
  return {
    redirectUri: `http://${host}/cb`,
    answer,
    close: () => {
      settle?.reject(new Fault('sign-in-failed', 'The sign-in was given up'));
      end();
      server.closeAllConnections();
    },
  };
}
