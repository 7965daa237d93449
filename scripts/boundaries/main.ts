// Fails when a file imports what its folder may not, reads a clock or the environment of its own, or has an empty name.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../root.ts';
import { FOLDERS } from './rules.ts';
import { violations } from './violations.ts';

const files = globSync(`{${FOLDERS.join(',')}}/**/*.ts`, { cwd: ROOT }).map((file) => file.replaceAll(path.sep, '/'));
const found = files.sort().flatMap((file) => violations(file, readFileSync(path.join(ROOT, file), 'utf8')));
for (const { file, line, rule, what } of found) console.error(`${file}:${line}  ${what}  (${rule})`);
console.log(found.length === 0 ? `Boundaries hold in ${files.length} files` : `${found.length} boundaries are crossed`);
process.exitCode = found.length === 0 ? 0 : 1;
