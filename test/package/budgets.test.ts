import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { VSIX } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/root.ts';

const KIB = 1_024;
const dist = (file: string) => path.join(ROOT, 'dist', file);

/** A budget on a built file: one that is not there is no success. */
function budget(name: string, file: string, run: () => void): void {
  test(name, () => {
    assert.ok(existsSync(file), `${path.relative(ROOT, file)} is not built: npm run package`);
    run();
  });
}

const atMost = (size: number, limit: number) => assert.ok(size <= limit, `${Math.round(size / KIB)} KiB, at most ${limit / KIB} KiB`);

budget('the extension bundle is at most 200 KiB', dist('extension.cjs'), () => atMost(statSync(dist('extension.cjs')).size, 200 * KIB));

budget('the extension bundle has no cloud SDK and no webview library', dist('extension.cjs'), () => {
  const bundle = readFileSync(dist('extension.cjs'), 'utf8');
  for (const foreign of [
    /@azure\//,
    /@aws-sdk/,
    /@google-cloud/,
    /microsoft-fast|FASTElement|webview-ui-toolkit/,
    /azure\.com\/\.default/,
  ]) {
    assert.doesNotMatch(bundle, foreign);
  }
});

budget('the page is at most 120 KiB gzipped', dist('webview/audit.js'), () => {
  const sizes = ['webview/audit.js', 'webview/audit.css'].map((file) => gzipSync(readFileSync(dist(file))).length);
  atMost(
    sizes.reduce((sum, size) => sum + size, 0),
    120 * KIB,
  );
});

budget('the .vsix is at most 3 MiB', VSIX, () => atMost(statSync(VSIX).size, 3 * KIB * KIB));

budget('loading and activating the extension takes at most 50 ms', dist('extension.cjs'), () => {
  // The quietest of several: whatever else the machine does only ever adds time.
  const runs = Array.from({ length: 9 }, activation).sort((a, b) => a - b);
  const [quietest = Number.POSITIVE_INFINITY] = runs;
  assert.ok(quietest <= 50, `${quietest.toFixed(1)} ms at best of ${runs.map((run) => run.toFixed(0)).join(', ')}`);
});

/** One activation in a fresh process, in ms. */
function activation(): number {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, 'activate.cjs'), dist('extension.cjs')], {
    encoding: 'utf8',
  });
  // Without the line of the bundle that Node shows, which has a hundred thousand characters.
  assert.equal(
    status,
    0,
    stderr
      .split('\n')
      .filter((line) => line.length < 300)
      .join('\n'),
  );
  return Number(stdout);
}
