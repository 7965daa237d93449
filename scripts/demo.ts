// `npm run demo [-- --desktop | --browser]`: an organisation on this machine, with two people to act as. Ctrl-C ends and removes everything.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { layDesk } from '../test/e2e/desk.ts';
import { findDesktop, openDesktop } from '../test/e2e/desktop.ts';
import { openEditor } from '../test/e2e/editor.ts';
import { type Organisation, type PersonKey, startOrganisation } from '../test/e2e/organisation.ts';
import { chosenDesktop } from './desktop-choice.ts';
import { Endings } from './endings.ts';
import { endProcessesOf } from './host/processes.ts';
import { VSIX } from './package.ts';
import { ROOT } from './root.ts';

const PEOPLE: readonly { who: PersonKey; part: string }[] = [
  { who: 'alice', part: 'the engineer' },
  { who: 'ben', part: 'the approver' },
];

const TRY =
  'As Alice: the gate in the activity bar, right-click a load balancer, Elevate…; for 30 minutes in production Ben must approve; F1 Revoke…';

const endings = new Endings((message) => console.error(`  ${message}`));
const { promise: interrupted, resolve } = Promise.withResolvers<void>();
let wanted = true;
const interrupt = () => {
  wanted = false;
  resolve();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

const presenting = present();
try {
  await Promise.race([presenting, interrupted]);
  await interrupted;
} catch (error) {
  // A build that Ctrl-C broke off is no failure.
  await new Promise((settled) => setImmediate(settled));
  if (wanted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
console.log('\nEnding what is held, and removing everything…');
await endings.run();
// Whatever was still being started has ended itself by now, or does so next.
await presenting.catch(() => {});
console.log('Nothing is left.');
process.exit();

async function present(): Promise<void> {
  const desktop = await chosenDesktop({
    args: process.argv,
    code: findDesktop(),
    ask: process.stdin.isTTY ? ask : undefined,
    say: (text) => console.log(text),
  });
  execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts')], { cwd: ROOT, stdio: 'inherit' });
  const folder = mkdtempSync(path.join(tmpdir(), 'pd-'));
  await endings.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const organisation = await startOrganisation({ folder, timing: 'demo' });
  await endings.add(() => organisation.close());
  // Daemons outlive their editors, and need the cloud to end what they hold.
  await endings.add(() => endProcessesOf(folder));
  const opened = [];
  for (const { who, part } of PEOPLE) opened.push({ part, ...(await seat(who, organisation, folder, desktop)) });
  const width = Math.max(...opened.map(({ name, part }) => `${name}, ${part}`.length));
  const lines = opened.map(({ name, part, where }) => `  Open   ${`${name}, ${part}`.padEnd(width)}   ${where}`);
  console.log(['', ...lines, `  Try    ${TRY}`, '', 'Ctrl-C ends everything.', ''].join('\n'));
}

async function seat(
  who: PersonKey,
  organisation: Organisation,
  folder: string,
  desktop: string | undefined,
): Promise<{ name: string; where: string }> {
  const desk = await layDesk(who, organisation, path.join(folder, who));
  if (desktop) {
    await endings.add(await openDesktop(desktop, desk, VSIX));
    return { name: desk.name, where: `in the VS Code window of the folder ${path.basename(desk.workspace)}` };
  }
  const { url, server } = await openEditor(desk, VSIX);
  await endings.add(() => server.stop());
  return { name: desk.name, where: url };
}

async function ask(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  prompt.once('SIGINT', interrupt);
  const answer = await prompt.question(question);
  prompt.close();
  return answer;
}
