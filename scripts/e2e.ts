// `npm run test:e2e [-- FILE…]`: people's stories in a real VS Code in a browser, on the packed .vsix.
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ensureBrowser } from './browser.ts';
import { installHost } from './host/install.ts';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

const named = process.argv.slice(2);
try {
  installHost();
  process.env['CHROMIUM'] = ensureBrowser(console.error);
  // What is told is the code as it is now, not as it was built some time ago.
  execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts')], { cwd: ROOT, stdio: 'inherit' });
  mkdirSync(path.join(ROOT, 'out/screenshots'), { recursive: true });
  const files = named.length > 0 ? named : globSync('test/e2e/**/*.test.ts', { cwd: ROOT });
  // One story at a time: an editor, its browser and its server are as much as two cores carry.
  process.exitCode = (await runTestFiles({ files, concurrency: 1, timeout: 300_000, reporter: 'spec' })) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
