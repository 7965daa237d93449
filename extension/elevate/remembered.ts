import * as v from 'valibot';
import type { Millis } from '../../protocol/clock.ts';

/** Where the editor keeps small things between windows. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const Last = v.object({ resourceId: v.string(), roleId: v.string(), authority: v.string(), duration: v.pipe(v.number(), v.minValue(0)) });
type Last = v.InferOutput<typeof Last>;

const KEY = 'portcullis.last';
const KEPT = 200;

/** Role and minutes that were last asked for, by resource, so that the same again takes a few keys. */
export class Remembered {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  last(resourceId: string): { roleId: string; authority: string; duration: Millis } | undefined {
    return this.#all().find((last) => last.resourceId === resourceId);
  }

  async remember(last: Last): Promise<void> {
    const others = this.#all().filter(({ resourceId }) => resourceId !== last.resourceId);
    await this.#memory.update(KEY, [last, ...others].slice(0, KEPT));
  }

  #all(): Last[] {
    const stored = v.safeParse(v.array(Last), this.#memory.get(KEY));
    return stored.success ? stored.output : [];
  }
}
