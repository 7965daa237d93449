// Writes what the editor is told, from extension/contributions.ts into package.json, and its tables into the README.
// `--check` only compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { COMMANDS, manifest, SETTINGS } from '../extension/contributions.ts';
import { type Blocks, withBlocks } from './marked.ts';
import { ROOT } from './root.ts';

const PACKAGE = path.join(ROOT, 'package.json');
const README = path.join(ROOT, 'README.md');

/** package.json with `contributes` as the code declares it. */
export function withContributions(packageJson: string): string {
  const manifestJson = JSON.parse(packageJson) as Record<string, unknown>;
  manifestJson['contributes'] = manifest();
  return `${JSON.stringify(manifestJson, null, 2)}\n`;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const TABLES: Blocks = {
  commands: () => {
    const rows = COMMANDS.filter(({ palette }) => palette !== false).map(({ id, title }) => `| Portcullis: ${cell(title)} | \`${id}\` |`);
    return ['| Command | Id |', '|---|---|', ...rows].join('\n');
  },
  settings: () => {
    const rows = Object.entries(SETTINGS).map(
      ([key, { default: value, description }]) => `| \`${key}\` | \`${cell(JSON.stringify(value))}\` | ${cell(description)} |`,
    );
    return ['| Setting | Default | Meaning |', '|---|---|---|', ...rows].join('\n');
  },
};

/** The README with its tables as the code declares them. */
export const withTables = (readme: string): string => withBlocks(readme, 'README.md', TABLES);

function main(check: boolean): number {
  const wanted = [
    [PACKAGE, withContributions],
    [README, withTables],
  ] as const;
  const stale = wanted.filter(([file, complete]) => {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const expected = complete(text);
    if (!check && expected !== text) writeFileSync(file, expected);
    return check && expected !== text;
  });
  for (const [file] of stale) console.error(`${path.basename(file)} differs from extension/contributions.ts: run \`npm run manifest\``);
  if (stale.length === 0) console.log('Manifest, code and README agree');
  return stale.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.includes('--check'));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
