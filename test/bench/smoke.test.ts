import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bench } from '../../bench/contract.ts';
import { daemon } from '../../bench/daemon/bench.ts';
import { lateness } from '../../bench/lateness/bench.ts';
import { record } from '../../bench/record/bench.ts';
import { recovery } from '../../bench/recovery/bench.ts';
import { section } from '../../bench/results.ts';

/** A trifle of each, so that none rots: that it runs and gives whole tables, not what it measures. */
for (const bench of [record, recovery, daemon, lateness('lateness', 10_000)] satisfies Bench[]) {
  test(`bench ${bench.name} runs to its end`, async () => {
    const tables = await bench.run('smoke', () => undefined);
    assert.ok(tables.length > 0);
    for (const table of tables) {
      assert.ok(table.rows.length > 0);
      for (const row of table.rows) assert.equal(row.length, table.columns.length, `a row of "${table.title}"`);
      assert.doesNotMatch(section(table), /NaN|undefined|not measurable|Infinity/);
      assert.doesNotMatch(section(table), /\d ?ms\b/, 'ratios, not times');
      // What is promised of a time says nothing at this size; what is promised of all of them holds at any.
      for (const { text, met } of table.goals) if (text.startsWith('each of')) assert.equal(met, true, text);
    }
  });
}
