import * as v from 'valibot';
import { proofText } from '../../protocol/client.ts';
import { ClientProof1, ClientProof2 } from '../../protocol/door.ts';
import { readJson } from '../../protocol/json.ts';
import { nonce, same } from './secrets.ts';

const REMEMBERED = 10_000;

/** Nonces that were proven once. Only who knows the secret can fill it, and it is bounded nevertheless. */
export class UsedNonces {
  readonly #seen = new Set<string>();

  /** Whether it is the first use. */
  take(value: string): boolean {
    if (this.#seen.has(value)) return false;
    this.#seen.add(value);
    if (this.#seen.size > REMEMBERED) for (const oldest of this.#seen) return this.#seen.delete(oldest);
    return true;
  }
}

/** The daemon's side of the mutual proof, for one connection. It says nothing to whoever has not proven the secret first. */
export class DoorProof {
  readonly #prove: (text: string) => string;
  readonly #instance: string;
  readonly #used: UsedNonces;
  #nonces: { client: string; daemon: string } | undefined;

  /** @param prove Hex HMAC of a text under the per-start secret. */
  constructor(prove: (text: string) => string, instance: string, used: UsedNonces) {
    this.#prove = prove;
    this.#instance = instance;
    this.#used = used;
  }

  /** Takes `c1` and gives `d`, or `c2`; `refused` ends the connection. */
  take(text: string): { say: string } | 'proven' | 'refused' {
    const message = readJson(text);
    if (this.#nonces) {
      const second = v.safeParse(ClientProof2, message);
      const { client, daemon } = this.#nonces;
      return second.success && same(second.output.mac, this.#prove(proofText('c2', daemon, client))) ? 'proven' : 'refused';
    }
    const first = v.safeParse(ClientProof1, message);
    if (!first.success || first.output.instance !== this.#instance) return 'refused';
    if (!same(first.output.mac, this.#prove(proofText('c1', this.#instance, first.output.nonce)))) return 'refused';
    if (!this.#used.take(first.output.nonce)) return 'refused';
    this.#nonces = { client: first.output.nonce, daemon: nonce() };
    const mac = this.#prove(proofText('d', this.#nonces.client, this.#nonces.daemon));
    return { say: JSON.stringify({ proof: 'd', nonce: this.#nonces.daemon, mac }) };
  }
}
