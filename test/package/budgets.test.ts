import assert from 'node:assert/strict';
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
