// `npm run test:faults [-- FILE…]`: the short forms of the harnesses in test/faults. `npm run faults` runs the long ones.
// `--built`: dist/ is as the sources are.
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

const { values, positionals: named } = parseArgs({ options: { built: { type: 'boolean' } }, allowPositionals: true });
// What dies here is the code as it is now, not as it was built some time ago.
if (!values.built) execFileSync(process.execPath, [path.join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
const files = named.length > 0 ? named : globSync('test/faults/**/*.test.ts', { cwd: ROOT });
// More files than cores: most of them wait for deadlines.
const passed = await runTestFiles({ files, first: /[/\\]kill[/\\]/, concurrency: 3, timeout: 300_000, reporter: 'spec' });
process.exitCode = passed ? 0 : 1;
