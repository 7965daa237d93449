// `npm run test:e2e [-- FILE…]`: people's stories in a real VS Code in a browser, on the packed .vsix.
// `--built`: it is as the sources are.
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBrowser } from './browser.ts';
import { installHost } from './host/install.ts';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

const BUILDS = /[/\\]demo\.test\.ts$/;
const LONGEST = /[/\\](held|people)\.test\.ts$/;

const { values, positionals: named } = parseArgs({ options: { built: { type: 'boolean' } }, allowPositionals: true });
try {
  installHost();
  process.env['CHROMIUM'] = ensureBrowser(console.error);
  // What is told is the code as it is now, not as it was built some time ago.
  if (!values.built) execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts')], { cwd: ROOT, stdio: 'inherit' });
  mkdirSync(path.join(ROOT, 'out/screenshots'), { recursive: true });
  const files = named.length > 0 ? named : globSync('test/e2e/**/*.test.ts', { cwd: ROOT });
  // The demo builds what the others run: it is told alone, before them. Of those, three stages at a time: on each, people mostly wait.
  const told = async (some: string[], concurrency: number) =>
    some.length === 0 || (await runTestFiles({ files: some, first: LONGEST, concurrency, timeout: 480_000, reporter: 'spec' }));
  const [alone, together] = [files.filter((file) => BUILDS.test(file)), files.filter((file) => !BUILDS.test(file))];
  const passed = [await told(alone, 1), await told(together, 3)];
  process.exitCode = passed.every(Boolean) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
