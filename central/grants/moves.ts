import type { Instant } from '../../protocol/clock.ts';
import type { GrantState } from '../../protocol/model.ts';
import type { GrantEffect, GrantLife, Step } from './life.ts';
import { GRANT_LIFE, type GrantCause } from './table.ts';

/** The life as the cause leaves it; undefined when the cause moves nothing in this state. */
export function move(life: GrantLife, cause: GrantCause): GrantLife | undefined {
  const to = (GRANT_LIFE[life.state] as Partial<Record<GrantCause, GrantState>>)[cause];
  return to && { ...life, state: to };
}

export const same = (life: GrantLife): Step => ({ life, effects: [] });

export const named = ({ role, resource }: GrantLife): string => `${role.title} on ${resource.name}`;

export const clockTime = (at: Instant): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

export const record = (
  kind: Extract<GrantEffect, { type: 'record' }>['kind'],
  text: string,
  more?: Extract<GrantEffect, { type: 'record' }>['more'],
): GrantEffect => ({ type: 'record', kind, text: text.slice(0, 1_000), ...(more ? { more } : {}) });
