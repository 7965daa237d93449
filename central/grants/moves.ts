import type { Instant } from '../../protocol/clock.ts';
import { mayGrantMove } from '../../protocol/lifecycle.ts';
import type { GrantState } from '../../protocol/model.ts';
import type { GrantEffect, GrantLife, Step } from './life.ts';

export function move(life: GrantLife, to: GrantState): GrantLife {
  if (!mayGrantMove(life.state, to)) throw new Error(`A grant cannot go from ${life.state} to ${to}`);
  return { ...life, state: to };
}

export const same = (life: GrantLife): Step => ({ life, effects: [] });

export const named = ({ role, resource }: GrantLife): string => `${role.title} on ${resource.name}`;

export const clockTime = (at: Instant): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

export const record = (
  kind: Extract<GrantEffect, { type: 'record' }>['kind'],
  text: string,
  more?: Extract<GrantEffect, { type: 'record' }>['more'],
): GrantEffect => ({ type: 'record', kind, text: text.slice(0, 1_000), ...(more ? { more } : {}) });
