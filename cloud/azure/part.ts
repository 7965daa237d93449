import type { Part, PartKind } from '../../protocol/model.ts';
import { resourceId } from './resource-id.ts';

/** A part as read from Azure, before its ids are made comparable. */
export interface Draft {
  kind: PartKind;
  id: string | undefined;
  name: string | undefined;
  detail: string;
  /** The part above it; the balancer when absent. */
  parent?: string | undefined;
}

/** Parts of one balancer, in the order given. What has no id cannot be named and is left out. */
export function partsOf(balancer: string | undefined, drafts: readonly Draft[]): Part[] {
  if (!balancer) return [];
  const balancerId = resourceId(balancer);
  return drafts.flatMap(({ kind, id, name, detail: line, parent }) =>
    id
      ? [
          {
            id: resourceId(id),
            balancerId,
            parentId: parent ? resourceId(parent) : balancerId,
            kind,
            name: (name || lastName(id)).slice(0, 200),
            detail: line.trim().slice(0, 300),
          },
        ]
      : [],
  );
}

/** The words that there are, as one short line. */
export const detail = (...words: (string | undefined)[]): string => words.filter((word) => word?.trim()).join(' · ');

export const lastName = (id: string | undefined): string => id?.slice(id.lastIndexOf('/') + 1) ?? '';

/** `443 → 8443`, or `443` when both are the same. `0` stands for all ports. */
export function ports(from: number | string | undefined, to: number | undefined): string {
  const [left, right] = [from, to].map((port) => (port === 0 ? 'all ports' : String(port ?? '')));
  return !right || left === right ? (left ?? '') : `${left} → ${right}`;
}

/** `Tcp` → `TCP`. */
export const protocol = (name: string | undefined): string => (name === 'All' ? 'all protocols' : (name ?? '').toUpperCase());

export const seconds = (count: number): string => `${count} s`;
