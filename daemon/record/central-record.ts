import type { AuditBody } from '../../protocol/audit.ts';
import { Fault } from '../../protocol/fault.ts';
import type { NoteKey } from '../../protocol/note.ts';
import type { Signed } from '../../protocol/record-file.ts';
import type { CentralHttp } from '../central/http.ts';
import type { Journal } from '../journal/journal.ts';
import { type DepositParts, Deposits } from './deposits.ts';
import type { Receipted } from './receipted.ts';
import { Witness } from './witness.ts';

export interface CentralRecordParts extends Omit<DepositParts, 'key'> {
  http: CentralHttp;
  url: string;
  pinned: NoteKey | undefined;
  onForked(): void;
}

/** What this daemon and central prove to each other: its record is signed for by central, central's is watched by it. */
export class CentralRecord implements Receipted {
  readonly #parts: CentralRecordParts;
  readonly #deposits: Deposits;
  readonly #witness: Witness;

  constructor(parts: CentralRecordParts) {
    this.#parts = parts;
    this.#witness = new Witness(parts);
    this.#deposits = new Deposits({ ...parts, key: (signal) => this.#witness.key(signal) });
  }

  get forked(): string | undefined {
    const why = this.#witness.forked;
    return why && `Central's record is not the one that it was: ${why}`;
  }

  async intend(body: Omit<AuditBody, 'at' | 'boot'>, signal: AbortSignal): Promise<void> {
    // A signature of somebody who takes back what was signed is worth nothing.
    if (this.forked) throw new Fault('central-refused', this.forked, { wayOut: 'Tell whoever runs central. Ending access still works.' });
    await this.#deposits.receipted(this.#parts.journal.append(body), signal);
  }

  /** This daemon has recorded something. */
  recorded(): void {
    this.#deposits.wake();
  }

  /** Central has recorded something. */
  grew(): void {
    this.#witness.wake();
  }

  /** Contact with central, as a person. */
  reached(): void {
    this.#deposits.again();
    this.#witness.wake();
  }

  /** Key, checkpoint and receipts as they are kept here: what an exported record is proven with. */
  signed(): Signed[] {
    const { recordKey, checkpoint } = this.#witness.kept();
    if (recordKey === undefined) return [];
    const receipts = this.#parts.journal.may((_, record) => record.outbox.receipts()) ?? [];
    return [{ recordKey }, ...(checkpoint === undefined ? [] : [{ checkpoint }]), ...receipts.map((receipt) => ({ receipt }))];
  }

  /** Over what is not kept here. Undefined when central cannot be asked. */
  async subtrees(ranges: readonly { from: number; to: number }[], signal: AbortSignal): Promise<string[][] | undefined> {
    try {
      const answer = await this.#parts.http.call('subtrees', { body: { ranges: [...ranges] } }, signal);
      return answer.ok ? answer.value.hashes : undefined;
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }

  stop(): void {
    this.#deposits.stop();
    this.#witness.stop();
  }
}

/** Without a central there is nobody to sign: the event is durable on this machine, and that is all. */
export const durableOnly = (journal: Pick<Journal, 'append'>): Receipted => ({
  intend: async (body) => void journal.append(body),
});
