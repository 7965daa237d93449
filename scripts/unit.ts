// `npm run test:unit [-- FILE…]`: every test that needs no editor and is no fault harness. Named files are reported test by test.
import { globSync } from 'node:fs';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

/** Steps of their own in `npm test`. */
const ELSEWHERE = /^test[/\\](e2e|editor|faults)[/\\]/;

const named = process.argv.slice(2);
const all = () => globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) => !ELSEWHERE.test(file));
const passed = await runTestFiles({
  files: named.length > 0 ? named : all(),
  concurrency: 2,
  timeout: 300_000,
  reporter: named.length > 0 ? 'spec' : 'dot',
});
process.exitCode = passed ? 0 : 1;
