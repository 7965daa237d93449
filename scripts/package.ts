// `npm run package`: builds, then packs what .vscodeignore allows into out/portcullis.vsix.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from './root.ts';

export const VSIX = path.join(ROOT, 'out/portcullis.vsix');
/** What goes into it, as it goes in. */
const STAGED = path.join(ROOT, 'out/package');

const NEEDED = ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/extension.cjs', 'dist/portcullis.mjs', 'dist/webview/audit.js'];

const vsceFile = () => path.join(path.dirname(createRequire(import.meta.url).resolve('@vscode/vsce/package.json')), 'vsce');
/** Runs the packer in a folder, quietly. */
export const vsce = (cwd: string, ...args: string[]) =>
  execFileSync(process.execPath, [vsceFile(), ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/**
 * Packs what is built.
 * @throws Error that names the files that are missing, or says why the packer refused.
 */
export function packVsix(): string {
  const missing = NEEDED.filter((file) => !existsSync(path.join(ROOT, file)));
  if (missing.length > 0) throw new Error(`Cannot pack without ${missing.join(', ')}`);
  mkdirSync(path.dirname(VSIX), { recursive: true });
  rmSync(STAGED, { recursive: true, force: true });
  for (const file of [...packedFiles(), '.vscodeignore']) cpSync(path.join(ROOT, file), path.join(STAGED, file));
  for (const page of ['README.md', 'CHANGELOG.md'].map((file) => path.join(STAGED, file)))
    writeFileSync(page, withoutLinksInside(readFileSync(page, 'utf8')));
  try {
    // Refuses a link that leads nowhere, for no repository is named that it could lead into.
    vsce(STAGED, 'package', '--no-dependencies', '--allow-missing-repository', '--out', VSIX);
  } catch (cause) {
    throw new Error(`vsce: ${String((cause as { stderr?: string }).stderr ?? cause).trim()}`, { cause });
  }
  return `${path.relative(ROOT, VSIX)} ${Math.round(statSync(VSIX).size / 1_024)} KiB`;
}

/** In the editor's page of the extension nothing lies beside the README or the changelog: links become their words, and pictures go. */
export const withoutLinksInside = (markdown: string): string =>
  markdown.replaceAll(/^!\[[^\]]*\]\((?!https?:)[^)]*\)\n+/gm, '').replaceAll(/\[([^\]]*)\]\((?!https?:|#)[^)]*\)/g, '$1');

/** The files that would be packed, in order, from the root. */
export function packedFiles(): string[] {
  return vsce(ROOT, 'ls', '--no-dependencies').split('\n').filter(Boolean).sort();
}

if (import.meta.main) {
  try {
    execFileSync(process.execPath, [path.join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
    console.log(packVsix());
  } catch (error) {
    if (!(error as { status?: number }).status) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
