/** One table of `results.md`. */
export interface Table {
  title: string;
  /** What stands beside what, and what the figures do not say. */
  about: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  goals: readonly Goal[];
}

/** What was promised of the figures. `met` undefined: it cannot be told here, because a peer is absent. */
export interface Goal {
  text: string;
  met: boolean | undefined;
}

/** How much of it: whole for `npm run bench`, a trifle for the test that keeps it from rotting. */
export type Size = 'whole' | 'smoke';

export interface Bench {
  name: string;
  run(size: Size, say: (line: string) => void): Promise<Table[]>;
}

export const ABSENT = 'peer absent';

/** A ratio as people read it: three figures at most. */
export function times(ratio: number): string {
  if (!Number.isFinite(ratio)) return 'not measurable';
  const size = Math.abs(ratio);
  return `${size >= 100 ? Math.round(ratio).toLocaleString('en') : ratio.toFixed(size >= 10 ? 1 : 2)} ×`;
}
