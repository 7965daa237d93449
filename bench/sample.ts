/** The value below which a share of the sample lies. `share` is 0 to 1; the sample need not be sorted. */
export function quantile(sample: readonly number[], share: number): number {
  if (sample.length === 0) throw new Error('An empty sample has no quantiles');
  const sorted = Float64Array.from(sample).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);
