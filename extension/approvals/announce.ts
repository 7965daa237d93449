import * as v from 'valibot';
import type { Cancel } from '../../protocol/clock.ts';
import type { ElevationRequest } from '../../protocol/model.ts';
import type { Memory } from '../elevate/remembered.ts';
import type { Store } from '../store.ts';
import { deciding } from '../view.ts';
import { spelled } from '../words/time.ts';
import { whatIsAsked } from './text.ts';

export interface Announcing {
  store: Store;
  memory: Memory;
  /** Only the window that the person looks at speaks. */
  focused(): boolean;
  onFocus(listener: () => void): Cancel;
  asked(message: string, action: string): Promise<boolean>;
  open(request: ElevationRequest): Promise<void>;
  showApprovals(): void;
}

const KEY = 'portcullis.announced';
const KEPT = 200;

/** Tells the person once of each request that waits for them. */
export function announceApprovals(parts: Announcing): Cancel {
  const { store, memory } = parts;
  const told = new Set(stored(memory));
  function look(): void {
    if (store.view.link.state !== 'connected' || !parts.focused()) return;
    const fresh = deciding(store.view).filter(({ id }) => !told.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) told.add(id);
    void memory.update(KEY, [...told].slice(-KEPT));
    void tell(parts, fresh);
  }
  const cancels = [store.onChange(look), parts.onFocus(look)];
  look();
  return () => {
    for (const cancel of cancels) cancel();
  };
}

async function tell(parts: Announcing, fresh: ElevationRequest[]): Promise<void> {
  const [only, ...others] = fresh;
  if (!only) return;
  if (others.length > 0) {
    if (await parts.asked(`${fresh.length} requests wait for your decision.`, 'Show')) parts.showApprovals();
    return;
  }
  const message = `${only.requester.name} asks for ${whatIsAsked(only)} for ${spelled(only.duration)}: ${only.reason}`;
  if (!(await parts.asked(message, 'Review'))) return;
  parts.showApprovals();
  await parts.open(only);
}

function stored(memory: Memory): string[] {
  const parsed = v.safeParse(v.array(v.string()), memory.get(KEY));
  return parsed.success ? parsed.output : [];
}
