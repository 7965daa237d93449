// `npm run test:unit [-- FILE…]`: every test that needs no editor and is no fault harness. Named files are reported test by test.
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

/** Steps of their own in `npm test`. */
const ELSEWHERE = /^test[/\\](e2e|editor|faults)[/\\]/;
/** What these measure is true only while nothing else runs. */
const TIMED = /\.timed\.test\.ts$/;

// What is tested, and started as a program, is the code as it is now.
execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts')], { cwd: ROOT, stdio: 'ignore' });
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) => !ELSEWHERE.test(file));
const reporter = named.length > 0 ? 'spec' : 'dot';
const tested = async (some: string[], concurrency: number) =>
  some.length === 0 || (await runTestFiles({ files: some, concurrency, timeout: 300_000, reporter }));
// More files than cores: many of them mostly wait for processes that they have started.
const passed = [
  await tested(
    files.filter((file) => !TIMED.test(file)),
    3,
  ),
  await tested(
    files.filter((file) => TIMED.test(file)),
    1,
  ),
];
process.exitCode = passed.every(Boolean) ? 0 : 1;
