import { type AuditEvent, canonicalJson, whyBroken } from './audit.ts';
import { toHex, utf8 } from './bytes.ts';
import { readHashes } from './checkpoint.ts';
import { Frontier, type Hash, leafHash, subtrees } from './merkle.ts';
import { same } from './merkle-proof.ts';
import type { RecordCrypto } from './note.ts';
import type { Omission } from './record-file.ts';

/** A root of this source that central has signed. */
export interface Claim {
  size: number;
  root: Hash;
  /** `checkpoint`, `receipt`: for words. */
  by: string;
}

export interface ChainReport {
  source: string;
  events: number;
  first: number;
  last: number;
  /** The last event's hash: whoever kept it elsewhere can see that nothing was cut off or written anew. */
  head: string;
  omitted: Omission[];
  /** Central has signed the events up to this one, the omitted ones among them; 0 for none. */
  signed: number;
}

export interface Wrong {
  seq: number;
  why: string;
}

/** One source of a file as it is read: its links, its tree, and what central has signed of it. */
export class RecordChain {
  readonly #source: string;
  readonly #crypto: RecordCrypto;
  readonly #sha256: (text: string) => string;
  readonly #omitted: Omission[] = [];
  /** In order of size; those that the chain has reached are gone. */
  #claims: Claim[] = [];
  /** Undefined once something is missing whose hashes are not known. */
  #frontier: Frontier | undefined;
  #unknown: string | undefined;
  #events = 0;
  #first = 0;
  /** The last event or omitted one that was read; 0 before the first. */
  #last = 0;
  #head: AuditEvent | undefined;
  #signed = 0;
  #reaches = 0;

  constructor(source: string, crypto: RecordCrypto) {
    this.#source = source;
    this.#crypto = crypto;
    this.#sha256 = (text) => toHex(crypto.sha256(utf8(text)));
    this.#frontier = new Frontier(crypto.sha256);
  }

  event(event: AuditEvent): Wrong | undefined {
    const { seq } = event;
    // An export may begin anywhere: what it begins with is then not proven to follow.
    const isBeginning = this.#last === 0;
    const before = this.#head?.seq === this.#last ? this.#head : undefined;
    if (!isBeginning && seq !== this.#last + 1) return { seq, why: `expected event ${this.#last + 1}` };
    const why = whyBroken(event, before, this.#sha256);
    if (why !== undefined) return { seq, why };
    if (isBeginning && seq > 1) this.#missing(`the file begins at event ${seq}`);
    this.#events += 1;
    if (this.#first === 0) this.#first = seq;
    this.#last = seq;
    this.#head = event;
    this.#frontier?.add(leafHash(this.#crypto.sha256, utf8(canonicalJson(event))));
    return this.#settle();
  }

  omission(omission: Omission): Wrong | undefined {
    const { from, to, hashes } = omission;
    const isBeginning = this.#last === 0;
    if (from !== this.#last + 1 && !(isBeginning && hashes === undefined))
      return { seq: from, why: `events are said to be left out here, but event ${this.#last + 1} is expected` };
    const spans = subtrees(from - 1, to);
    const known = hashes && readHashes(hashes);
    if (hashes && known?.length !== spans.length)
      return { seq: from, why: 'the hashes of what is left out are not as many as they must be' };
    this.#omitted.push(omission);
    for (const [at, span] of spans.entries()) {
      const hash = known?.[at];
      if (hash) this.#frontier?.add(hash, span.level);
      // A claim inside of a subtree can be neither shown nor refuted.
      this.#last = (span.index + 1) * 2 ** span.level;
      if (!hash) this.#missing(`events ${from} to ${to} are left out without their hashes`);
      const wrong = this.#settle();
      if (wrong) return wrong;
    }
    return undefined;
  }

  claim(claim: Claim): Wrong | undefined {
    if (claim.size < this.#last)
      return { seq: claim.size, why: `the ${claim.by} of ${claim.size} events stands behind event ${this.#last}` };
    this.#claims.push(claim);
    this.#claims.sort((a, b) => a.size - b.size);
    return this.#settle();
  }

  /** Central knows of so many events: they are all here, unless some were left out or none was to be here at all. */
  reaches(seq: number): void {
    this.#reaches = Math.max(this.#reaches, seq);
  }

  end(): Wrong | undefined {
    const [claim] = this.#claims;
    if (this.#events > 0 && this.#omitted.length === 0 && this.#last < this.#reaches)
      return { seq: this.#last + 1, why: `it is missing: central has received ${this.#reaches} events` };
    return claim && { seq: this.#last + 1, why: `it is missing: central has signed a ${claim.by} of ${claim.size} events` };
  }

  report(): ChainReport[] {
    const { seq, hash } = this.#head ?? {};
    if (seq === undefined || hash === undefined) return [];
    const [omitted, signed] = [this.#omitted, this.#signed];
    return [{ source: this.#source, events: this.#events, first: this.#first, last: seq, head: hash, omitted, signed }];
  }

  #missing(why: string): void {
    this.#frontier = undefined;
    this.#unknown ??= why;
  }

  /** Holds what is signed against the tree as soon as that is as large. */
  #settle(): Wrong | undefined {
    while (this.#claims[0] && this.#claims[0].size <= this.#last) {
      const { size, root, by } = this.#claims[0];
      const what = `the ${by} of ${size} events`;
      if (this.#unknown) return { seq: size, why: `${what} cannot be proven: ${this.#unknown}` };
      if (size < this.#last) return { seq: size, why: `${what} cannot be proven: it ends among events that are left out` };
      if (!this.#frontier || !same(this.#frontier.root, root)) {
        const first = this.#signed + 1;
        return { seq: first, why: `events ${first} to ${size} are not those that central has signed (${by})` };
      }
      this.#signed = size;
      this.#claims = this.#claims.slice(1);
    }
    return undefined;
  }
}
