import { homedir, uptime } from 'node:os';
import path from 'node:path';
import type { ExtensionContext } from 'vscode';
import { systemClock } from '../protocol/clock.ts';
import { places } from '../protocol/places.ts';
import { openWindow } from './window.ts';

/** Registers everything at once and connects in the background. Gives no API: other extensions have no business here. */
export function activate(context: ExtensionContext): void {
  const { env, platform } = process;
  const surroundings = {
    platform,
    home: env['HOME'] ?? homedir(),
    runtimeDir: env['XDG_RUNTIME_DIR'],
    stateHome: env['XDG_STATE_HOME'],
    localAppData: env['LOCALAPPDATA'],
  };
  openWindow(context, {
    clock: systemClock(() => uptime() * 1_000),
    random: Math.random,
    places: places(surroundings),
    script: path.join(context.extensionPath, 'dist', 'portcullis.mjs'),
    editorNode: process.execPath,
    env,
    platform,
    uid: process.getuid?.(),
  });
}
