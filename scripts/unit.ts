// `npm run test:unit [-- FILE…]`: every test that needs no editor and is no fault harness. Named files are reported test by test.
// `--together`: these files in this one process. `--built`: what is packed is as the sources are.
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';
import { runSteps, type Step, summary } from './steps.ts';

/** Steps of their own in `npm test`. */
const ELSEWHERE = /^test[/\\](e2e|editor|faults)[/\\]/;
/** They start programs or a browser, or take a whole processor. The others share one process for each folder, for to load what they test is most of their work. */
const APART = /[/\\](bench|package)[/\\]|[/\\](process|main|audit-page|once)\.test\.ts$/;
/** They measure time or memory, which is true only while nothing else runs. */
const ALONE = /\.alone\.test\.ts$/;
const LIMIT = 300_000;

const together = (files: readonly string[]): Step => ({
  name: folderOf(files[0] ?? ''),
  run: [process.execPath, 'scripts/unit.ts', '--together', ...files],
});

async function all(): Promise<boolean> {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) => !ELSEWHERE.test(file));
  const [alone, rest] = [files.filter((file) => ALONE.test(file)), files.filter((file) => !ALONE.test(file))];
  const folders = Object.values(
    Object.groupBy(
      rest.filter((file) => !APART.test(file)),
      folderOf,
    ),
  );
  const steps = folders.flatMap((some) => (some ? [together(some)] : []));
  // The longest first, so that none of them is left alone in the end.
  steps.sort((a, b) => b.run.length - a.run.length);
  const apart = runTestFiles({ files: rest.filter((file) => APART.test(file)), concurrency: 2, timeout: LIMIT, reporter: 'dot' });
  const [outcomes, passed] = [await runSteps(steps, 2), [await apart]];
  for (const { ok, output } of outcomes) if (!ok) console.error(output);
  console.log(summary('unit tests', outcomes));
  passed.push(await runTestFiles({ files: alone, concurrency: 1, timeout: LIMIT, reporter: 'dot' }));
  return passed.every(Boolean) && outcomes.every(({ ok }) => ok);
}

const folderOf = (file: string): string => path.dirname(file).split(path.sep).slice(0, 2).join('/');

const { values, positionals: named } = parseArgs({
  options: { built: { type: 'boolean' }, together: { type: 'boolean' } },
  allowPositionals: true,
});
// What is tested, and started as a program, is the code as it is now.
if (!values.built && !values.together)
  execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts')], { cwd: ROOT, stdio: 'ignore' });
const one = () =>
  values.together
    ? runTestFiles({ files: named, reporter: 'dot', timeout: LIMIT, concurrency: 'together' })
    : runTestFiles({ files: named, reporter: 'spec', timeout: LIMIT, concurrency: 2 });
process.exitCode = (await (named.length > 0 ? one() : all())) ? 0 : 1;
