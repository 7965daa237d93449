/** One entry of Azure's permissions: what its actions allow, less its notActions. Other entries do not subtract from it. */
export interface Permission {
  actions?: string[] | undefined;
  notActions?: string[] | undefined;
}

/**
 * Does what the identity holds cover every one of `wanted`? Azure compares without case and `*` stands for anything.
 * A wanted action may itself have a `*`: it is covered only when everything it stands for is.
 */
export const coversAll = (held: readonly Permission[], wanted: readonly string[]): boolean =>
  wanted.every((action) => held.some((entry) => covers(entry, action)));

function covers({ actions = [], notActions = [] }: Permission, wanted: string): boolean {
  return actions.some((pattern) => contains(pattern, wanted)) && !notActions.some((pattern) => overlaps(pattern, wanted));
}

/** Everything that `inner` stands for, `outer` stands for too. A `*` of `inner` can only be swallowed by a `*` of `outer`. */
export function contains(outer: string, inner: string): boolean {
  const source = outer
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(inner.toLowerCase());
}

/** Some text is matched by both patterns. */
export function overlaps(a: string, b: string): boolean {
  return meet(a.toLowerCase(), b.toLowerCase());
}

/** Row by row: `row[j]` tells whether the first `i` characters of `a` and the first `j` of `b` can match the same text. */
function meet(a: string, b: string): boolean {
  let row = firstRow(b);
  for (const char of a) {
    const next = [char === '*' && row[0] === true];
    for (let j = 1; j <= b.length; j++) {
      const star = char === '*' || b[j - 1] === '*';
      next[j] = star ? row[j] === true || next[j - 1] === true : char === b[j - 1] && row[j - 1] === true;
    }
    row = next;
  }
  return row[b.length] === true;
}

function firstRow(b: string): boolean[] {
  const row = [true];
  for (let j = 1; j <= b.length; j++) row[j] = row[j - 1] === true && b[j - 1] === '*';
  return row;
}
