import * as v from 'valibot';
import type { Cancel, Clock } from './clock.ts';
import { type ClientProof1, DaemonProof, type EntryFile, LIMITS, VERSIONS } from './door.ts';
import { Fault } from './fault.ts';
import { readJson } from './json.ts';
import { CHANGED, METHODS, type Method, type Params, type Result, RpcResponse } from './messages.ts';
import { type DaemonState, Numbered, reduce } from './state.ts';

/** One open connection that carries text messages in order. A socket in production, two queues in tests. */
export interface Wire {
  send(text: string): void;
  close(): void;
  /** Set once, before any message can arrive. */
  onText(listener: (text: string) => void): void;
  onClose(listener: (why: string) => void): void;
}

export interface ClientParts {
  wire: Wire;
  entry: Pick<EntryFile, 'instance' | 'secret'>;
  clock: Clock;
  /** Hex HMAC-SHA-256 with a hex key over a UTF-8 text. */
  hmac(secret: string, text: string): string;
  /** Compares two hex strings in constant time. */
  same(a: string, b: string): boolean;
  /** 32 random bytes in hex. */
  nonce(): string;
  client: Params<'hello'>['client'];
}

export interface Client {
  readonly state: DaemonState;
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Every change, after the state has taken it in. Undefined: a whole new snapshot, anything may have changed. */
  onChange(listener: (numbered: Numbered | undefined) => void): Cancel;
  onClose(listener: (why: string) => void): Cancel;
  close(): void;
}

const ANSWER_WITHIN = 60_000;

/** The text under the HMAC; the labels keep a proof from being reflected. */
export const proofText = (label: 'c1' | 'd' | 'c2', first: string, second: string): string => `${label}\0${first}\0${second}`;

/**
 * Proves both sides, says hello, and keeps a copy of the daemon's state.
 * @throws Fault `protocol-violation` when the other side cannot prove itself; `timed-out`; `cloud-…` never.
 */
export async function connect(parts: ClientParts): Promise<Client> {
  const { wire, entry, clock } = parts;
  const closed = new Set<(why: string) => void>();
  const listeners = new Set<(numbered: Numbered | undefined) => void>();
  const pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void; cancel: Cancel }>();
  let closedWhy: string | undefined;
  let onText: (text: string) => void = () => {};
  let state: DaemonState | undefined;
  let seq = 0;
  let nextId = 1;
  let early: Numbered[] | undefined = [];

  wire.onText((text) => onText(text));
  wire.onClose((why) => {
    closedWhy = why;
    for (const { reject, cancel } of pending.values()) {
      cancel();
      reject(new Fault('timed-out', `The daemon closed the connection: ${why}`, { retryable: true }));
    }
    pending.clear();
    for (const listener of closed) listener(why);
  });

  function violated(message: string): Fault {
    wire.close();
    return new Fault('protocol-violation', message);
  }

  async function prove(): Promise<void> {
    const nonceC = parts.nonce();
    const answer = new Promise<string>((resolve, reject) => {
      const cancel = clock.after(LIMITS.proofWithin, () => reject(new Fault('timed-out', 'The daemon did not prove itself in time')));
      closed.add((why) => reject(new Fault('timed-out', `The daemon closed the connection: ${why}`)));
      onText = (text) => {
        cancel();
        resolve(text);
      };
    });
    const first: v.InferOutput<typeof ClientProof1> = {
      proof: 'c1',
      instance: entry.instance,
      nonce: nonceC,
      mac: parts.hmac(entry.secret, proofText('c1', entry.instance, nonceC)),
    };
    wire.send(JSON.stringify(first));
    const proof = v.safeParse(DaemonProof, readJson(await answer));
    if (!proof.success) throw violated('The daemon answered something else than a proof');
    if (!parts.same(proof.output.mac, parts.hmac(entry.secret, proofText('d', nonceC, proof.output.nonce)))) {
      throw violated('The daemon does not know the secret of its entry file');
    }
    onText = receive;
    wire.send(JSON.stringify({ proof: 'c2', mac: parts.hmac(entry.secret, proofText('c2', proof.output.nonce, nonceC)) }));
  }

  function receive(text: string): void {
    const message = readJson(text);
    const response = v.safeParse(RpcResponse, message);
    if (response.success && response.output.id !== null && message && typeof message === 'object' && 'id' in message) {
      settle(response.output);
      return;
    }
    const notification = v.safeParse(v.object({ method: v.literal(CHANGED), params: Numbered }), message);
    // Unknown notifications come from a newer daemon and are none of our business.
    if (notification.success) take(notification.output.params);
  }

  function settle(response: v.InferOutput<typeof RpcResponse>): void {
    const waiting = pending.get(response.id ?? -1);
    if (!waiting) return;
    pending.delete(response.id ?? -1);
    waiting.cancel();
    if (response.error) waiting.reject(new Fault('protocol-violation', response.error.message, { detail: String(response.error.code) }));
    else waiting.resolve(response.result);
  }

  function take(numbered: Numbered): void {
    if (early) {
      early.push(numbered);
      return;
    }
    if (!state || numbered.seq <= seq) return;
    if (numbered.seq !== seq + 1) {
      early = [numbered];
      resync().catch(() => wire.close());
      return;
    }
    seq = numbered.seq;
    state = reduce(state, numbered.change);
    for (const listener of listeners) listener(numbered);
  }

  /** Something was missed: take a whole snapshot, then what came meanwhile. */
  async function resync(): Promise<void> {
    const snapshot = await call('snapshot', {});
    restart(snapshot);
    for (const listener of listeners) listener(undefined);
  }

  function restart(snapshot: { seq: number; state: DaemonState }): void {
    seq = snapshot.seq;
    state = snapshot.state;
    const late = early ?? [];
    early = undefined;
    for (const numbered of late) take(numbered);
  }

  function call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    if (closedWhy !== undefined)
      return Promise.reject(new Fault('timed-out', `Not connected to the daemon: ${closedWhy}`, { retryable: true }));
    const id = nextId++;
    const raw = new Promise<unknown>((resolve, reject) => {
      const cancel = clock.after(ANSWER_WITHIN, () => {
        pending.delete(id);
        reject(new Fault('timed-out', `The daemon did not answer ${method}`, { retryable: true }));
      });
      pending.set(id, { resolve, reject, cancel });
    });
    wire.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return raw.then((result) => {
      const parsed = v.safeParse(METHODS[method].result, result);
      if (!parsed.success)
        throw new Fault('protocol-violation', `The daemon's answer to ${method} has another shape`, { cause: parsed.issues });
      return parsed.output as Result<M>;
    });
  }

  await prove();
  const greeting = await call('hello', { versions: [...VERSIONS], client: parts.client });
  restart(greeting.snapshot);

  return {
    get state() {
      return state as DaemonState;
    },
    call,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onClose: (listener) => {
      closed.add(listener);
      return () => void closed.delete(listener);
    },
    close: () => wire.close(),
  };
}
