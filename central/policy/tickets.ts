import type { PolicySet } from './set.ts';

/**
 * Tickets to try when explaining what a ticket would change: any text, and one that fits each `like` pattern of the set,
 * with its wildcards filled in.
 */
export function ticketsThatFit(set: PolicySet): string[] {
  const fitted = [...set.rules.values()].flatMap(({ policy }) => patterns(policy));
  return [...new Set(['TICKET-1', ...fitted])];
}

function patterns(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  const { pattern } = value as { pattern?: unknown };
  const own = Array.isArray(pattern) ? [pattern.map((part: unknown) => (isLiteral(part) ? part.Literal : '1')).join('')] : [];
  return [...own, ...Object.values(value).flatMap(patterns)];
}

const isLiteral = (part: unknown): part is { Literal: string } => typeof part === 'object' && part !== null && 'Literal' in part;
