import type { Cancel, Millis } from '../../../protocol/clock.ts';
import type { Status } from './pim-moves.ts';

/** What goes wrong with a call. */
export type Trouble =
  /** 429 without applying. `retryAfter` as on the wire: seconds or an HTTP date. */
  | { kind: 'throttle'; retryAfter?: string | undefined }
  /** Any error without applying: 503, 500, 403… */
  | { kind: 'refuse'; status: number; code: string; message: string }
  /** An error without applying, whose words repeat the caller's own `Authorization` header: careless proxies do that. */
  | { kind: 'echo'; status: number; code: string }
  /** The connection breaks before anything is applied. */
  | { kind: 'drop-before' }
  /** Everything is applied, then the connection breaks: the caller cannot know. */
  | { kind: 'drop-after' }
  /** The connection breaks now, the call is applied later. The worst case of an unknown outcome. */
  | { kind: 'apply-late'; after: Millis }
  /** Applied and answered, but only after a wait. */
  | { kind: 'slow'; by: Millis }
  /** 401 with a claims challenge (continuous access evaluation), until a token satisfies `context`. */
  | { kind: 'challenge'; context: string };

export interface Switch {
  /** Tested against `METHOD /path?query`. */
  call: RegExp;
  /** How many calls it hits. Endless when left out. */
  times?: number | undefined;
  /** Only calls of this principal. */
  oid?: string | undefined;
  trouble: Trouble;
}

/** Switches that make calls fail, in the order in which they were set. */
export class Faults {
  /** Conditional writes are not conditional: whether the real service honours If-Match is not known. */
  ignoreIfMatch = false;
  /** Which policy governs an activation at a narrower scope than its eligibility: not known either. */
  narrowedPolicy: 'eligibility' | 'child' = 'eligibility';
  /** PIM never ends what is due. Not seen in the field: it shows whether the other enders hold without this one. */
  forgetsEnds = false;
  /** Resource Graph cuts a query that names its subscriptions as well. Documented is a cut for all of a tenant or group only. */
  cutsNamedSubscriptions = false;
  /** PIM says that an assignment exists in its sentence alone, under the code `BadRequest`: some tenants were met that do. */
  saysExistsInWords = false;
  /** What a request to PIM that was on the move ends as, with nothing done. */
  moveEndsAs: Status | undefined;
  /** The word of every request on the move, in place of the usual ones. */
  moveIsCalled: Status | undefined;
  /** The word of every request that waits for its approvers, in place of the usual ones. */
  waitIsCalled: Status | undefined;
  /** Asked about each call that no switch hits: trouble by chance. `METHOD /path?query` as in `Switch.call`. */
  weather: ((call: string) => Trouble | undefined) | undefined;
  #switches: { set: Switch; left: number }[] = [];

  add(set: Switch): Cancel {
    const entry = { set, left: set.times ?? Number.POSITIVE_INFINITY };
    this.#switches.push(entry);
    return () => {
      this.#switches = this.#switches.filter((one) => one !== entry);
    };
  }

  clear(): void {
    this.#switches = [];
  }

  /** The trouble of this call, if any; counts it. */
  take(call: string, caller: { oid: string; contexts: string[] } | undefined): Trouble | undefined {
    const entry = this.#switches.find(
      ({ set, left }) =>
        left > 0 &&
        set.call.test(call) &&
        (set.oid === undefined || set.oid === caller?.oid) &&
        !(set.trouble.kind === 'challenge' && caller?.contexts.includes(set.trouble.context)),
    );
    if (!entry) return this.weather?.(call);
    entry.left -= 1;
    return entry.set.trouble;
  }
}
