// `npm run test:faults [-- FILE…]`: the short forms of the harnesses in test/faults. `npm run faults` runs the long ones.
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';

// What dies here is the code as it is now, not as it was built some time ago.
execFileSync(process.execPath, [path.join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('test/faults/**/*.test.ts', { cwd: ROOT });
const passed = await runTestFiles({ files, concurrency: 1, timeout: 300_000, reporter: 'spec' });
process.exitCode = passed ? 0 : 1;
