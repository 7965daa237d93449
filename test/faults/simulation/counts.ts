const NAMES = [
  'lives',
  'grants',
  'ends proven',
  'crashes',
  'failovers',
  'partitions',
  'clocks set',
  'sleeps and stalls',
  'calls to the cloud',
  'calls that landed late',
  'heartbeats',
] as const;

/** What happened in one life, or in many. */
export type Counts = Record<(typeof NAMES)[number], number>;

export const NOTHING = Object.fromEntries(NAMES.map((name) => [name, 0])) as Counts;

export const added = (a: Counts, b: Counts): Counts => Object.fromEntries(NAMES.map((name) => [name, a[name] + b[name]])) as Counts;
