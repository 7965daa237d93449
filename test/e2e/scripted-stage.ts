import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import type { Handlers } from '../../daemon/door/methods.ts';
import { type Clock, systemClock } from '../../protocol/clock.ts';
import { places } from '../../protocol/places.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { launchBrowser } from '../../scripts/browser.ts';
import { Endings } from '../../scripts/endings.ts';
import { endProcessesOf } from '../../scripts/host/processes.ts';
import { VSIX } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/root.ts';
import { organisation } from '../editor/organisation.ts';
import { type ScriptedDaemon, scriptedDaemon } from '../editor/scripted-daemon.ts';
import { environment } from './desk.ts';
import { openEditor } from './editor.ts';
import { Workbench } from './workbench.ts';

/** One person at a real editor, before a daemon whose door is the real one and whose words are the test's: for what is rare. */
export interface ScriptedStage {
  clock: Clock;
  readonly daemon: ScriptedDaemon;
  workbench: Workbench;
  /** Keeps a picture in out/screenshots/. */
  shot(state: string): Promise<void>;
  /** The daemon dies, and another takes its place: with the same words, and knowing nothing of what was before. */
  replaceDaemon(): Promise<void>;
  close(): Promise<void>;
}

export interface ScriptedOptions {
  /** What the daemon knows at first that is not the organisation's. */
  state?: Partial<DaemonState> | undefined;
  /** Packed extensions that are installed beside Portcullis. */
  extensions?: readonly string[] | undefined;
}

/** @param name Begins the names of its pictures. @param instead Answers of the daemon that are not the organisation's. */
export async function startScripted(
  name: string,
  instead: Partial<Handlers> = {},
  { state: first, extensions }: ScriptedOptions = {},
): Promise<ScriptedStage> {
  const clock = systemClock(() => uptime() * 1_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'pd-'));
  const [home, runtime, bin, workspace] = ['home', 'run', 'bin', 'work'].map((part) => path.join(folder, part)) as [
    string,
    string,
    string,
    string,
  ];
  for (const made of [home, runtime, bin, workspace]) mkdirSync(made, { mode: 0o700 });
  const [logs, pictures] = [path.join(ROOT, 'out/logs', name), path.join(ROOT, 'out/screenshots')];
  for (const kept of [logs, pictures]) mkdirSync(kept, { recursive: true });
  for (const picture of globSync(`${name}-*.png`, { cwd: pictures })) rmSync(path.join(pictures, picture));

  const failed: string[] = [];
  const endings = new Endings((message) => failed.push(message));
  const close = async () => {
    await endings.run();
    if (failed.length > 0) throw new Error(failed.join('; '));
  };
  await endings.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  await endings.add(() => endProcessesOf(folder));
  try {
    const { state, handlers } = organisation(clock, first);
    const where = places({ platform: process.platform, home, runtimeDir: runtime });
    const script = { clock, places: where, state, handlers: (live: Parameters<typeof handlers>[0]) => ({ ...handlers(live), ...instead }) };
    let daemon = await scriptedDaemon(script);
    await endings.add(() => daemon.kill());
    // No other daemon may take its place.
    const options = { settings: { 'portcullis.daemon.node': '/nowhere/node' }, logFile: path.join(logs, 'code-server.log'), extensions };
    const editor = await openEditor({ folder, workspace, env: environment(home, runtime, bin) }, VSIX, options);
    await endings.add(() => editor.server.stop());
    const { browser, context } = await launchBrowser();
    await endings.add(() => browser.close());
    const workbench = new Workbench(await context.newPage());
    await workbench.open(editor.url);
    await workbench.openView('Portcullis');
    const shot = async (picture: string) => {
      await workbench.page.screenshot({ path: path.join(pictures, `${name}-${picture}.png`) });
    };
    const replaceDaemon = async () => {
      await daemon.kill();
      daemon = await scriptedDaemon(script);
    };
    return {
      clock,
      get daemon() {
        return daemon;
      },
      workbench,
      shot,
      replaceDaemon,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
