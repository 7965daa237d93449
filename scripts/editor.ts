// `npm run test:editor`: test/editor/ inside a real extension host, then once more with a deliberate failure that must turn it red.
// `VSCODE_EXECUTABLE` names a desktop VS Code; without it code-server and a headless browser take its place.
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { ensureBrowser } from './browser.ts';
import { buildTarget } from './build.ts';
import { installHost } from './host/install.ts';
import { endProcessesOf } from './host/processes.ts';
import { ROOT } from './root.ts';

const OUT = path.join(ROOT, 'out/test/editor');

/** Bundles the tests as the extension host loads them: CommonJS, without the editor and the test runner. */
async function buildTests(): Promise<void> {
  rmSync(OUT, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/editor/index.ts', ...globSync('test/editor/**/*.test.ts', { cwd: ROOT })],
    outdir: OUT,
    outbase: 'test/editor',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    logLevel: 'warning',
  });
}

/** One run in folders of its own, so that neither the person's editor nor their daemon is touched. */
async function runOnce(deliberateFailure: boolean): Promise<boolean> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'pe-'));
  const home = path.join(scratch, 'home');
  const runtime = path.join(scratch, 'run');
  const workspace = path.join(scratch, 'workspace');
  for (const folder of [home, runtime, workspace]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const desktop = process.env['VSCODE_EXECUTABLE'];
  try {
    await runTests({
      vscodeExecutablePath: desktop ?? path.join(ROOT, 'scripts/host/code-host.ts'),
      extensionDevelopmentPath: ROOT,
      extensionTestsPath: path.join(OUT, 'index.cjs'),
      launchArgs: [workspace, `--user-data-dir=${path.join(scratch, 'ud')}`, `--extensions-dir=${path.join(scratch, 'ext')}`],
      extensionTestsEnv: {
        HOME: home,
        XDG_RUNTIME_DIR: runtime,
        XDG_CONFIG_HOME: undefined,
        XDG_STATE_HOME: undefined,
        TEST_DELIBERATE_FAILURE: deliberateFailure ? '1' : undefined,
        ...(desktop ? {} : { CODE_SERVER_ENTRY: installHost(), CHROMIUM: ensureBrowser(console.error) }),
      },
    });
    return true;
  } catch (error) {
    if (!deliberateFailure) console.error(String(error));
    return false;
  } finally {
    await endProcessesOf(scratch);
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

await buildTarget('extension');
await buildTarget('webview');
await buildTests();
const green = await runOnce(false);
console.log(green ? '\nOnce more, with a deliberate failure:' : '');
const red = green && !(await runOnce(true));
if (green && !red) console.error('A deliberate failure did not turn the run red: these tests prove nothing');
console.log(green && red ? 'Extension host tests passed, and a deliberate failure was seen' : 'Extension host tests failed');
process.exitCode = green && red ? 0 : 1;
