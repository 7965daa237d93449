import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import type { Handlers } from '../../../daemon/door/methods.ts';
import { type Clock, systemClock } from '../../../protocol/clock.ts';
import { places } from '../../../protocol/places.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { launchBrowser } from '../../../scripts/browser.ts';
import { Endings } from '../../../scripts/endings.ts';
import { endProcessesOf } from '../../../scripts/host/processes.ts';
import { VSIX } from '../../../scripts/package.ts';
import { ROOT } from '../../../scripts/root.ts';
import { organisation } from '../../editor/organisation.ts';
import { type Script, type ScriptedDaemon, scriptedDaemon } from '../../editor/scripted-daemon.ts';
import { until } from '../../support/until.ts';
import { environment } from '../desk.ts';
import { openEditor } from '../editor.ts';
import { Workbench } from '../workbench.ts';
import { microsoftStandIn } from './microsoft-stand-in.ts';

/** One person at a real editor, before daemons whose door is the real one and whose words are the test's: for what is rare. */
export interface ScriptedStage {
  clock: Clock;
  /** The one that is there now. @throws Error when none has been yet. */
  readonly daemon: ScriptedDaemon;
  workbench: Workbench;
  /**
   * Another daemon takes the place of the last; the window then shows what it says, and nothing else.
   * @param name Begins the names of the pictures from now on.
   * @param instead Answers that are not the organisation's. @param state What it knows at first that is not the organisation's.
   */
  begin(name: string, instead?: Partial<Handlers>, state?: Partial<DaemonState>): Promise<void>;
  /** Keeps a picture in out/screenshots/. */
  shot(state: string): Promise<void>;
  /** The daemon dies, and another takes its place: with the same words, and knowing nothing of what was before. */
  replaceDaemon(): Promise<void>;
  close(): Promise<void>;
}

const PICTURES = path.join(ROOT, 'out/screenshots');
const LOGS = path.join(ROOT, 'out/logs/scripted');

/** Without a daemon at first. @param tokens Of the sessions that VS Code has with Microsoft, one after the other. */
export async function startScripted(tokens: readonly string[]): Promise<ScriptedStage> {
  const clock = systemClock(() => uptime() * 1_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'pd-'));
  const [home, runtime, bin, workspace] = ['home', 'run', 'bin', 'work'].map((part) => path.join(folder, part)) as [
    string,
    string,
    string,
    string,
  ];
  for (const made of [home, runtime, bin, workspace]) mkdirSync(made, { mode: 0o700 });
  for (const kept of [LOGS, PICTURES]) mkdirSync(kept, { recursive: true });

  const failed: string[] = [];
  const endings = new Endings((message) => failed.push(message));
  const close = async () => {
    await endings.run();
    if (failed.length > 0) throw new Error(failed.join('; '));
  };
  await endings.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  await endings.add(() => endProcessesOf(folder));
  try {
    const where = places({ platform: process.platform, home, runtimeDir: runtime });
    let [script, daemon, pictures]: [Script | undefined, ScriptedDaemon | undefined, string] = [undefined, undefined, 'no-daemon'];
    await endings.add(() => daemon?.kill());
    const editor = await openEditor({ folder, workspace, env: environment(home, runtime, bin) }, VSIX, {
      // No other daemon may take its place.
      settings: { 'portcullis.daemon.node': '/nowhere/node' },
      logFile: path.join(LOGS, 'code-server.log'),
      extensions: [microsoftStandIn(path.join(folder, 'stand-in'), tokens)],
    });
    await endings.add(() => editor.server.stop());
    const { browser, context } = await launchBrowser();
    await endings.add(() => browser.close());
    const workbench = new Workbench(await context.newPage());
    await workbench.open(editor.url);
    await workbench.openView('Portcullis');
    const replaceDaemon = async () => {
      if (!script) throw new Error('No daemon has been here yet');
      await daemon?.kill();
      daemon = await scriptedDaemon(script);
      await until('the editor at the new daemon', () => daemon?.clients().length === 1);
    };
    return {
      clock,
      get daemon() {
        if (!daemon) throw new Error('No daemon has been here yet');
        return daemon;
      },
      workbench,
      async begin(name, instead = {}, first = {}) {
        pictures = name;
        for (const picture of globSync(`${name}-*.png`, { cwd: PICTURES })) rmSync(path.join(PICTURES, picture));
        const { state, handlers } = organisation(clock, first);
        script = { clock, places: where, state, handlers: (live) => ({ ...handlers(live), ...instead }) };
        await replaceDaemon();
        await workbench.tidy();
      },
      async shot(state) {
        await workbench.page.screenshot({ path: path.join(PICTURES, `${pictures}-${state}.png`) });
      },
      replaceDaemon,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
