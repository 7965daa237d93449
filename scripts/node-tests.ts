import path from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';
import { ROOT } from './root.ts';

export interface TestRun {
  files: string[];
  /** Begun before the others: what takes longest, so that it is not waited for alone. */
  first?: RegExp;
  /** Files at a time, each in a process of its own; or all in this one. */
  concurrency: number | 'together';
  /** Limit for one file, in ms: one that leaves a handle open would wait for ever. */
  timeout: number;
  /** Every test by name, or a dot for each. Failures are always told in full. */
  reporter: 'spec' | 'dot';
}

/** So many files are named with what they took: there a slow run is mended. */
const SLOWEST = 8;

/** Files in one process have so many times the limit of one, all of them. */
const TOGETHER = 2;

/** Runs test files with Node's own runner, prints a closing line, and says whether all passed. */
export async function runTestFiles({ files, first, concurrency, timeout, reporter }: TestRun): Promise<boolean> {
  const later = (file: string): number => (first?.test(file) ? 0 : 1);
  const sorted = files.map((file) => path.resolve(ROOT, file)).sort((a, b) => later(a) - later(b) || (a < b ? -1 : 1));
  const together = concurrency === 'together';
  const stream = run({ files: sorted, cwd: ROOT, timeout, ...(together ? { isolation: 'none' } : { concurrency }) });
  if (together) setTimeout(() => leave(sorted), TOGETHER * timeout).unref();
  let whole = { passed: 0, failed: 0, skipped: 0, ok: false };
  const lengths: { file: string; seconds: number }[] = [];
  stream.on('test:summary', ({ file, counts, success, duration_ms }) => {
    // One summary for each file and one for all: only the last names no file.
    if (file !== undefined) {
      lengths.push({ file: path.relative(ROOT, file), seconds: Math.round(duration_ms / 1_000) });
      return;
    }
    const { tests, passed, skipped, todo } = counts;
    whole = { passed, skipped, failed: tests - passed - skipped - todo, ok: success };
  });
  const shown = reporter === 'spec' ? stream.compose(new spec()) : stream.compose(dot);
  shown.pipe(process.stdout, { end: false });
  await finished(shown);
  const skipped = whole.skipped > 0 ? `, ${whole.skipped} skipped` : '';
  const slowest = lengths.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  if (slowest.length > 0) console.log(`\nlongest: ${slowest.map(({ file, seconds }) => `${file} ${seconds} s`).join(', ')}`);
  console.log(`${whole.passed} passed, ${whole.failed} failed${skipped} in ${sorted.length} files`);
  return whole.ok && whole.failed === 0 && whole.passed > 0;
}

function leave(files: readonly string[]): never {
  console.error(`Not over in time, or a handle is left open, in one of ${files.join(', ')}`);
  process.exit(1);
}
