import { type Checkpoint, openCheckpoint, readHashes } from '../../protocol/checkpoint.ts';
import { type Clock, MINUTE, SECOND, sleep } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { provesConsistency } from '../../protocol/merkle-proof.ts';
import { type NoteKey, readNoteKey, writeNoteKey } from '../../protocol/note.ts';
import type { CentralHttp, Value } from '../central/http.ts';
import type { Journal } from '../journal/journal.ts';
import { type Log, ofError } from '../log.ts';
import { recordCrypto } from './crypto.ts';

export interface WitnessParts {
  http: CentralHttp;
  /** Central's address: what was kept of another central says nothing about this one. */
  url: string;
  journal: Journal;
  /** From the enrolment. Without it the first key that central shows is the one that counts from then on. */
  pinned: NoteKey | undefined;
  clock: Clock;
  log: Log;
  /** Whether central's record is one that grew out of what was seen before has changed. */
  onForked(): void;
}

/** Central signs so often at most. */
const LOOKS_EVERY = 10 * SECOND;

/** Remembers the last checkpoint of central, and takes a new one only with the proof that it grew out of that. */
export class Witness {
  readonly #parts: WitnessParts;
  readonly #stopped = new AbortController();
  #looking = false;
  #again = false;
  #idle: AbortController | undefined;
  #forked: string | undefined;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** Why central's record is not the one that it was; undefined as long as it is. */
  get forked(): string | undefined {
    return this.#forked;
  }

  /** Contact is there, or central's record has grown. From the first time on it looks by itself, too: a record that shrinks tells nobody. */
  wake(): void {
    this.#again = true;
    this.#idle?.abort();
    if (this.#looking || this.#stopped.signal.aborted) return;
    this.#looking = true;
    void this.#follow();
  }

  /** @throws Fault when central cannot be asked, or shows none. */
  async key(signal: AbortSignal): Promise<NoteKey> {
    const known = this.#known();
    if (known) return known;
    await this.#look(signal);
    const key = this.#known();
    if (!key) throw new Fault('central-refused', 'Central shows no key for its record', { wayOut: 'Update central.' });
    return key;
  }

  /** For those who export: key and newest checkpoint, as kept here. */
  kept(): { recordKey?: string; checkpoint?: string } {
    const { journal, url } = this.#parts;
    const key = this.#known();
    const checkpoint = journal.may((_, record) => record.facts.get(`record checkpoint ${url}`));
    return { ...(key ? { recordKey: writeNoteKey(key) } : {}), ...(checkpoint === undefined ? {} : { checkpoint }) };
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #follow(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.#again = false;
      try {
        await this.#look(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('no checkpoint of central', ofError(error));
      }
      await sleep(clock, LOOKS_EVERY, signal).catch(() => {});
      if (this.#again) continue;
      this.#idle = new AbortController();
      await sleep(clock, MINUTE, AbortSignal.any([signal, this.#idle.signal])).catch(() => {});
      this.#idle = undefined;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { http, journal, url } = this.#parts;
    const known = this.#known();
    const note = journal.must((_, record) => record.facts.get(`record checkpoint ${url}`));
    const last = note === undefined || !known ? undefined : openCheckpoint(note, known, recordCrypto);
    const answer = await http.call('checkpoint', { query: `?after=${last?.size ?? 0}` }, signal);
    if (!answer.ok) throw new Fault('central-unreachable', answer.refusal.message);
    const key = readNoteKey(answer.value.recordKey, recordCrypto.sha256);
    if (!key) throw new Fault('central-refused', 'Central shows a key for its record that is none');
    if (!known) journal.must((_, record) => record.facts.set(`record key ${url}`, writeNoteKey(key)));
    this.#judge(why(answer.value, known ?? key, last));
    if (this.#forked === undefined && answer.value.checkpoint !== undefined) {
      const newest = answer.value.checkpoint;
      journal.must((_, record) => record.facts.set(`record checkpoint ${url}`, newest));
    }
  }

  #known(): NoteKey | undefined {
    const { journal, pinned, url } = this.#parts;
    if (pinned) return pinned;
    const kept = journal.may((_, record) => record.facts.get(`record key ${url}`));
    return kept === undefined ? undefined : readNoteKey(kept, recordCrypto.sha256);
  }

  #judge(forked: string | undefined): void {
    const { journal, onForked, url } = this.#parts;
    if (forked === this.#forked) return;
    this.#forked = forked;
    onForked();
    if (forked === undefined) return;
    // Once, also over restarts: it stays so until somebody has looked into it.
    const fact = `record forked ${url}`;
    if (journal.may((_, record) => record.facts.get(fact)) === forked) return;
    journal.record({ kind: 'record.forked', text: `Central's record is not the one that it was: ${forked}`, data: { central: url } });
    journal.may((_, record) => record.facts.set(fact, forked));
  }
}

/** Why what central shows did not grow out of what was kept; undefined when it did. */
function why({ recordKey, checkpoint, consistency }: Value<'checkpoint'>, key: NoteKey, last: Checkpoint | undefined): string | undefined {
  if (recordKey !== writeNoteKey(key)) return 'it is signed with another key';
  if (checkpoint === undefined) return last && `its ${last.size} events were signed, and now none are`;
  const next = openCheckpoint(checkpoint, key, recordCrypto);
  if (!next) return 'its newest checkpoint is not signed with its key';
  if (!last) return undefined;
  if (next.size < last.size) return `it had ${last.size} events, and now has ${next.size}`;
  const proof = readHashes(consistency);
  const grew =
    proof && provesConsistency(recordCrypto.sha256, { old: last.size, oldRoot: last.root, size: next.size, root: next.root, proof });
  return grew ? undefined : `its first ${last.size} events are not those that it had`;
}
