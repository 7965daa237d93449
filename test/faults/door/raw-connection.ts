import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import { proofText } from '../../../protocol/client.ts';
import { DOOR } from '../../../protocol/door.ts';
import { bytesOf, OPCODE, ServerFrames, text } from './frames.ts';

/** The lines of the one upgrade that the door takes. */
export const UPGRADE: readonly string[] = [
  `GET ${DOOR.path} HTTP/1.1`,
  `Host: ${DOOR.host}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  `Sec-WebSocket-Protocol: ${DOOR.subprotocol}`,
];
export const requestOf = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);

/** One connection to the door with nothing between: bytes go out as given, and what comes back is taken apart. */
export class RawConnection {
  readonly socket: net.Socket;
  readonly said: string[] = [];
  /** The status that the upgrade was answered with. */
  status: number | undefined;
  /** The code of the daemon's closing frame. */
  closeCode: number | undefined;
  closed = false;
  readonly #frames = new ServerFrames();
  #head: Buffer | undefined = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(path: string, options: { allowHalfOpen?: boolean } = {}) {
    this.socket = new net.Socket(options);
    this.socket.connect(path);
    this.socket.on('data', (chunk) => this.#take(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Whether the door let it in. */
  async upgraded(within: number): Promise<boolean> {
    this.socket.write(requestOf(UPGRADE));
    return (await this.until(() => this.status !== undefined, within)) && this.status === 101;
  }

  /** Both proofs, as a client that knows the secret gives them. */
  async prove(entry: { instance: string; secret: string }, within: number): Promise<boolean> {
    const own = nonce();
    const mac = hmac(entry.secret, proofText('c1', entry.instance, own));
    this.say(JSON.stringify({ proof: 'c1', instance: entry.instance, nonce: own, mac }));
    if (!(await this.until(() => this.said.length > 0, within))) return false;
    const answer = JSON.parse(this.said.shift() ?? '') as { nonce: string; mac: string };
    if (!same(answer.mac, hmac(entry.secret, proofText('d', own, answer.nonce)))) throw new Error('The daemon cannot prove itself');
    this.say(JSON.stringify({ proof: 'c2', mac: hmac(entry.secret, proofText('c2', answer.nonce, own)) }));
    return true;
  }

  /** Proof and hello. */
  async greet(entry: { instance: string; secret: string }, within: number): Promise<boolean> {
    if (!(await this.prove(entry, within))) return false;
    const client = { name: 'raw', version: '1', kind: 'terminal' };
    this.say(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'hello', params: { versions: [1], client } }));
    return this.until(() => this.said.length > 0, within);
  }

  say(message: string): void {
    this.write(bytesOf(text(message)));
  }

  write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** In pieces of 1 to 64 bytes, each in a turn of its own. */
  async drip(bytes: Buffer, size: () => number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.closed; ) {
      const end = at + size();
      this.write(bytes.subarray(at, end));
      at = end;
      await turn();
    }
  }

  /** False when the connection ended or the time was up before. */
  async until(ready: () => boolean, within: number): Promise<boolean> {
    const late = performance.now() + within;
    while (!ready()) {
      const left = late - performance.now();
      if (this.closed || left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  async end(): Promise<void> {
    if (this.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    if (this.#head) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = Number(this.#head.toString('latin1', 0, 40).split(' ')[1]);
      rest = this.#head.subarray(end + 4);
      this.#head = undefined;
    }
    if (this.status === 101) {
      for (const { opcode, payload } of this.#frames.take(rest)) {
        if (opcode === OPCODE.text) this.said.push(payload.toString());
        else if (opcode === OPCODE.close && payload.length >= 2) this.closeCode = payload.readUInt16BE(0);
      }
    }
    this.#wake();
  }
}
