import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { ROOT } from './root.ts';

/** Licence texts of every package whose code is in the bundles, in order of name. */
export function notices(metafiles: Metafile[]): string {
  const folders = new Set<string>();
  for (const metafile of metafiles) {
    // Only what reached an output: a package that was shaken out is not distributed.
    for (const output of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        const folder = packageFolder(input);
        if (folder && bytesInOutput > 0) folders.add(folder);
      }
    }
  }
  const head = 'Portcullis contains code of the following packages.\n';
  return [head, ...[...folders].sort().map(notice)].join(`\n${'-'.repeat(80)}\n\n`);
}

/** `node_modules/a/node_modules/@b/c/d.js` → `node_modules/a/node_modules/@b/c`. */
export function packageFolder(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

function notice(folder: string): string {
  const dir = path.join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8')) as Record<string, string>;
  const file = readdirSync(dir).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file ? readFileSync(path.join(dir, file), 'utf8').trim() : '';
  return `${name} ${version} (${license})\n\n${text}\n`;
}
