/** Whether version `a` is newer than `b`: by their numbers, from the left. Of what is no version nothing is said. */
export function isNewer(a: string, b: string): boolean {
  const [mine, theirs] = [numbers(a), numbers(b)];
  if (!mine || !theirs) return false;
  for (let at = 0; at < Math.max(mine.length, theirs.length); at++) {
    const by = (mine[at] ?? 0) - (theirs[at] ?? 0);
    if (by !== 0) return by > 0;
  }
  return false;
}

const numbers = (version: string): number[] | undefined => /^\d+(\.\d+)*/.exec(version)?.[0].split('.').map(Number);
