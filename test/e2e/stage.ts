import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext } from 'playwright-core';
import { places } from '../../protocol/places.ts';
import { launchBrowser } from '../../scripts/browser.ts';
import { endProcessesOf, processesOf } from '../../scripts/host/processes.ts';
import { VSIX } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/root.ts';
import { PORTCULLIS } from '../support/built.ts';
import type { Balancer } from './balancers.ts';
import { type Desk, layDesk } from './desk.ts';
import { type Editor, openEditor } from './editor.ts';
import { Judge } from './judge.ts';
import { type Organisation, type OrganisationOptions, type PersonKey, startOrganisation } from './organisation.ts';
import { Workbench } from './workbench.ts';

const run = promisify(execFile);
/** Longest time that ending what is held may take. */
const TIDYING = 60_000;
/** A daemon stays until Azure gives back what it keeps for the first seconds. */
const LETTING_GO = 40_000;
const CONTEXT_OPTIONS = { viewport: { width: 1280, height: 800 }, permissions: ['clipboard-read', 'clipboard-write'] };

export interface StageOptions extends Omit<OrganisationOptions, 'folder'> {
  /** Names the folder of its logs. */
  name: string;
  /** Who sits at an editor. */
  people?: readonly PersonKey[] | undefined;
  /** Nobody is signed in to the Azure CLI. */
  signedOut?: boolean | undefined;
}

/** One person at their editor. */
export interface Player {
  desk: Desk;
  editor: Editor;
  workbench: Workbench;
  /** Another window of the same person. */
  secondWindow(): Promise<Workbench>;
  /** The process id of this person's daemon; undefined when none has said that it runs. */
  daemonPid(): number | undefined;
}

/** Everything that one story needs, on real parts and real time: simulated Azure, identity provider, central, and editors. */
export class Stage {
  readonly organisation: Organisation;
  readonly #name: string;
  readonly #signedOut: boolean;
  readonly #folder: string;
  readonly #browser: Browser;
  readonly #players = new Map<PersonKey, Player>();
  // Known apart from the players, so that one who failed to enter is cleared away too.
  readonly #desks: Desk[] = [];
  readonly #editors: Editor[] = [];
  readonly #contexts: BrowserContext[] = [];
  readonly #judge: Judge;
  #shots: string;

  constructor(parts: {
    name: string;
    signedOut: boolean;
    folder: string;
    organisation: Organisation;
    browser: Browser;
  }) {
    this.organisation = parts.organisation;
    this.#name = parts.name;
    this.#signedOut = parts.signedOut;
    this.#folder = parts.folder;
    this.#browser = parts.browser;
    this.#judge = new Judge(parts.organisation);
    this.#shots = parts.name;
  }

  /** @throws Error when nobody of that name sits at an editor. */
  player(who: PersonKey): Player {
    const player = this.#players.get(who);
    if (!player) throw new Error(`${who} has no editor on this stage`);
    return player;
  }

  /** Gives a person a desk and an editor, and opens Portcullis in it. */
  async enter(who: PersonKey): Promise<Player> {
    const desk = await layDesk(who, this.organisation, path.join(this.#folder, who));
    this.#desks.push(desk);
    if (this.#signedOut) desk.signOut();
    const logFile = path.join(this.#logs(), `${who}-code-server.log`);
    const editor = await openEditor(desk, VSIX, { logFile });
    this.#editors.push(editor);
    const context = await this.#browser.newContext(CONTEXT_OPTIONS);
    this.#contexts.push(context);
    const open = async () => {
      const workbench = new Workbench(await context.newPage());
      await workbench.open(editor.url);
      await workbench.openView('Portcullis');
      return workbench;
    };
    const player = { desk, editor, workbench: await open(), secondWindow: open, daemonPid: () => readPid(desk) };
    this.#players.set(who, player);
    return player;
  }

  /** The cloud's own verdict on a write with the person's own identity. */
  write(who: PersonKey, balancer: Balancer, pool?: string): Promise<'allowed' | 'denied'> {
    return this.#judge.write(this.player(who).desk, balancer, pool);
  }

  /** Names the pictures of a story that is told next. Those of an earlier run would pass for this one's. */
  begin(shots: string): void {
    this.#shots = shots;
    for (const picture of globSync(`out/screenshots/${shots}-*.png`, { cwd: ROOT })) rmSync(path.join(ROOT, picture));
  }

  /** Between two stories: what anybody still holds ends, and the windows show no more of it. */
  async tidy(): Promise<void> {
    for (const { desk, workbench } of this.#players.values()) {
      await run(process.execPath, [PORTCULLIS, 'revoke', '--all', '--wait'], { env: desk.env, timeout: TIDYING });
      await workbench.tidy();
    }
  }

  /** Keeps a picture of a person's window in out/screenshots/. */
  async shot(who: PersonKey, state: string, workbench = this.player(who).workbench): Promise<void> {
    await workbench.page.screenshot({ path: path.join(ROOT, 'out/screenshots', `${this.#shots}-${state}.png`) });
  }

  /** Pictures of every window of everybody. */
  async shotAll(state: string): Promise<void> {
    const pages = this.#contexts.flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      await page.screenshot({ path: path.join(ROOT, 'out/screenshots', `${this.#shots}-${state}-${index + 1}.png`) }).catch(() => {});
    }
  }

  /**
   * Ends everything that it started.
   * @throws Error when a process would not go.
   */
  async close(): Promise<void> {
    for (const context of this.#contexts) {
      // The page first: that ends its extension host, which would otherwise wait for hours for the browser to come back.
      await Promise.all(context.pages().map((page) => page.close()));
      await context.close();
    }
    await Promise.all(this.#editors.map(({ server }) => server.stop()));
    // Daemons outlive their editors, and need central and the cloud to end what they hold.
    const stubborn = await endProcessesOf(this.#folder, LETTING_GO);
    for (const desk of this.#desks) this.#keepLog(desk);
    await this.#browser.close();
    await this.organisation.close();
    const left = [...stubborn, ...processesOf(this.#folder)];
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) throw new Error(`Left behind: ${left.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`);
  }

  #logs(): string {
    return path.join(ROOT, 'out/logs', this.#name);
  }

  #keepLog(desk: Desk): void {
    const { stateDir } = placesOf(desk);
    for (const name of ['daemon.log', 'daemon.log.1']) {
      const log = path.join(stateDir, name);
      if (existsSync(log)) cpSync(log, path.join(this.#logs(), `${desk.who}-${name}`));
    }
  }
}

const placesOf = ({ home, env }: Desk) => places({ platform: process.platform, home, runtimeDir: env['XDG_RUNTIME_DIR'] });

function readPid(desk: Desk): number | undefined {
  try {
    return (JSON.parse(readFileSync(placesOf(desk).entryFile, 'utf8')) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** Close it in the end, whatever happened. */
export async function startStage({ name, people = ['alice'], signedOut = false, ...options }: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  const logFolder = path.join(ROOT, 'out/logs', name);
  rmSync(logFolder, { recursive: true, force: true });
  for (const kept of [logFolder, path.join(ROOT, 'out/screenshots')]) mkdirSync(kept, { recursive: true });
  const organisation = await startOrganisation({ ...options, folder, logFolder });
  const { browser, context } = await launchBrowser();
  await context.close();
  const stage = new Stage({ name, signedOut, folder, organisation, browser });
  try {
    for (const who of people) await stage.enter(who);
  } catch (error) {
    await stage.close();
    throw error;
  }
  return stage;
}
