import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { installHost } from '../../scripts/host/install.ts';
import { folders, type Server, type ServerOptions, startServer } from '../../scripts/host/server.ts';
import type { Desk } from './desk.ts';

const run = promisify(execFile);

/** VS Code in the browser, for one person, with the packed extension installed. */
export interface Editor {
  /** Opens this person's folder. */
  url: string;
  server: Server;
}

export async function openEditor(
  desk: Pick<Desk, 'folder' | 'workspace' | 'env'>,
  vsix: string,
  {
    extensions = [],
    ...options
  }: Pick<ServerOptions, 'port' | 'logFile' | 'settings'> & { extensions?: readonly string[] | undefined } = {},
): Promise<Editor> {
  const codeServer = installHost();
  const place = { userDataDir: path.join(desk.folder, 'ud'), extensionsDir: path.join(desk.folder, 'ext') };
  const installed = [vsix, ...extensions].flatMap((file) => ['--install-extension', file]);
  await run(process.execPath, [codeServer, ...folders(place), ...installed], { env: desk.env });
  const server = await startServer({ codeServer, ...place, ...options, env: desk.env, inherit: false });
  return { url: `${server.base}/?folder=${encodeURIComponent(desk.workspace)}`, server };
}
