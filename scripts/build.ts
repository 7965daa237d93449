// Makes the bundles in dist/. `node scripts/build.ts [target…]` builds the named targets, all without a name.
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type BuildOptions, build, formatMessages, type Metafile } from 'esbuild';
import { notices } from './notices.ts';
import { ROOT, seconds, stopwatch } from './root.ts';

/** Bundled CommonJS packages use `require` and `__dirname`, which an ES module does not have. */
const COMMONJS = [
  "import { createRequire as __bundleRequire } from 'node:module';",
  'const require = __bundleRequire(import.meta.url), __bundleFolder = import.meta.dirname;',
].join('');

const WASM = 'cedar_wasm_bg.wasm';

interface Target {
  /** Files under `dist/` that it makes; removed before it is built. */
  makes: string[];
  entry: string;
  options: BuildOptions;
  /** Work on the files after esbuild. */
  finish?: ((dist: string, metafile: Metafile) => void) | undefined;
}

const node: BuildOptions = {
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Cloud SDKs come in chunks of their own, loaded when first needed.
  splitting: true,
  outExtension: { '.js': '.mjs' },
  mainFields: ['module', 'main'],
  banner: { js: COMMONJS },
  define: { __dirname: '__bundleFolder' },
  minifySyntax: true,
  minifyWhitespace: true,
};

const TARGETS = {
  extension: {
    makes: ['extension.cjs'],
    entry: 'extension/main.ts',
    options: { platform: 'node', target: 'node24', format: 'cjs', external: ['vscode'], minify: true, outExtension: { '.js': '.cjs' } },
  },
  portcullis: {
    makes: ['portcullis.mjs', 'portcullis'],
    entry: 'daemon/cli/main.ts',
    options: { ...node, chunkNames: 'portcullis/[name]-[hash]' },
    // What is read page by page is thrown away at once: with a large nursery it would only lie there, 64 MiB of it.
    finish: (dist) => runnable(path.join(dist, 'portcullis.mjs'), '--max-semi-space-size=1'),
  },
  central: {
    makes: ['central.mjs', 'central', WASM],
    entry: 'central/main.ts',
    options: { ...node, chunkNames: 'central/[name]-[hash]' },
    finish: (dist, metafile) => {
      runnable(path.join(dist, 'central.mjs'));
      withWasm(dist, metafile);
    },
  },
  webview: {
    makes: ['webview'],
    entry: 'webview/main.ts',
    options: { platform: 'browser', target: 'chrome138', format: 'iife', minify: true },
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

const outName = (name: TargetName) => (name === 'webview' ? 'webview/audit' : name);

/**
 * Builds one target into `dist`.
 * @throws Error that names a missing entry file.
 */
export async function buildTarget(name: TargetName, dist = path.join(ROOT, 'dist')): Promise<Metafile> {
  const target: Target = TARGETS[name];
  if (!existsSync(path.join(ROOT, target.entry))) throw new Error(`Cannot build ${name}: ${target.entry} does not exist`);
  for (const made of target.makes) rmSync(path.join(dist, made), { recursive: true, force: true });
  const { metafile, warnings } = await build({
    absWorkingDir: ROOT,
    entryPoints: [{ in: target.entry, out: outName(name) }],
    outdir: dist,
    ...target.options,
    bundle: true,
    legalComments: 'none',
    logLevel: 'silent',
    metafile: true,
  });
  for (const line of await formatMessages(warnings, { kind: 'warning' })) console.error(line);
  refuseLazyCommonJs(metafile);
  target.finish?.(dist, metafile);
  return metafile;
}

/** A CommonJS package in a chunk of its own has a default export and nothing else: `const { Client } = await import(…)` would be empty. */
export function refuseLazyCommonJs({ inputs }: Pick<Metafile, 'inputs'>): void {
  for (const [file, { imports }] of Object.entries(inputs)) {
    if (file.includes('node_modules/')) continue;
    for (const { kind, path: to } of imports) {
      if (kind === 'dynamic-import' && inputs[to]?.format === 'cjs')
        throw new Error(`${file} loads ${to} lazily, but that is CommonJS: import it plainly`);
    }
  }
}

/** @param flag For Node. */
function runnable(file: string, flag?: string): void {
  const node = flag === undefined ? 'node' : `-S node ${flag}`;
  writeFileSync(file, `#!/usr/bin/env ${node}\n${readFileSync(file, 'utf8')}`);
  chmodSync(file, 0o755);
}

/** The Cedar policy engine reads its WebAssembly from beside the file that it ended up in. */
function withWasm(dist: string, { outputs }: Metafile): void {
  const resolve = createRequire(path.join(ROOT, 'package.json')).resolve;
  const from = path.join(path.dirname(resolve('@cedar-policy/cedar-wasm/nodejs')), WASM);
  const folders = Object.keys(outputs).filter((file) =>
    Object.keys(outputs[file]?.inputs ?? {}).some((input) => input.includes('cedar-wasm')),
  );
  for (const file of folders) copyFileSync(from, path.join(dist, path.relative('dist', path.dirname(file)), WASM));
}

async function main(names: string[]): Promise<number> {
  const unknown = names.filter((name) => !(TARGET_NAMES as string[]).includes(name));
  if (unknown.length > 0) throw new Error(`No target is called ${unknown.join(', ')}. Targets: ${TARGET_NAMES.join(', ')}`);
  const chosen = names.length > 0 ? (names as TargetName[]) : TARGET_NAMES;
  const timer = stopwatch();
  const dist = path.join(ROOT, 'dist');
  const packed: Metafile[] = [];
  for (const name of chosen) {
    const metafile = await buildTarget(name, dist);
    if (name !== 'central') packed.push(metafile);
    const entry = Object.keys(metafile.outputs).find((file) => metafile.outputs[file]?.entryPoint === TARGETS[name].entry);
    if (entry) console.log(`  ${name.padEnd(10)} ${entry} ${Math.round(statSync(path.join(ROOT, entry)).size / 1_024)} KiB`);
  }
  if (names.length === 0) writeFileSync(path.join(dist, 'THIRD-PARTY-NOTICES.txt'), notices(packed));
  console.log(`Built in ${seconds(timer())}`);
  return 0;
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  });
}
