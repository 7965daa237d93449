/**
 * The extension's side of the door, in a process of its own whose memory a test can look at: it finds or starts the daemon as the
 * extension does, keeps its state, and feeds an audit page. Told what to do by messages of its parent.
 */
import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import { writeHeapSnapshot } from 'node:v8';
import { PanelPage } from '../../../extension/audit/page.ts';
import { daemonLink } from '../../../extension/daemon/daemon-link.ts';
import { Store } from '../../../extension/store.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../protocol/clock.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import type { HostMessage } from '../../../protocol/panel.ts';
import { places } from '../../../protocol/places.ts';
import { until } from '../../support/until.ts';

export type Told =
  | { do: 'open'; home: string; script: string; env: Record<string, string> }
  | { do: 'session'; token: string; expiresAt: number }
  | { do: 'audit'; grantId: string }
  | { do: 'plant'; text: string }
  | { do: 'heap'; file: string }
  | { do: 'close' };

const clock = systemClock(() => uptime() * 1_000);
const store = new Store(false, () => Promise.resolve());
const posted: HostMessage[] = [];
const reported: string[] = [];
const planted: { text: string }[] = [];
let link: ReturnType<typeof daemonLink> | undefined;

async function act(told: Told): Promise<unknown> {
  switch (told.do) {
    case 'open':
      link = daemonLink({
        clock,
        random: () => 0,
        places: places({ platform: process.platform, home: told.home }),
        script: told.script,
        node: () => process.execPath,
        env: told.env,
        platform: process.platform,
        uid: process.geteuid?.(),
        client: () => ({ name: 'Visual Studio Code', version: manifest.version, kind: 'editor' }),
        onLink: (now, client) => store.setLink(now, client),
      });
      await link.open();
      return until('the link', () => store.view.link.state === 'connected', 30_000);
    case 'session':
      return store.ask('sign-in.session', { to: 'azure', token: told.token, expiresAt: told.expiresAt });
    case 'audit':
      return showAudit(told.grantId as GrantId);
    case 'plant':
      // A new string, so that it stays although the message is forgotten.
      planted.push({ text: `${told.text}${randomUUID()}` });
      return planted.length;
    case 'heap':
      writeHeapSnapshot(told.file);
      return undefined;
    case 'close':
      link?.close();
      return undefined;
  }
}

/** All that an audit page asks for, and what is pushed to it. */
async function showAudit(grantId: GrantId): Promise<{ posted: HostMessage[]; reported: string[]; state: unknown }> {
  let say: (message: unknown) => void = () => {};
  const page = new PanelPage(
    {
      post: (message) => void posted.push(message),
      onMessage: (listener) => {
        say = listener;
        return () => {};
      },
      visible: () => true,
      onHidden: () => () => {},
    },
    {
      ask: store.ask,
      onAudit: (listener) => store.onAudit(listener),
      onContact: (listener) => store.onContact(listener),
      onState: (listener) => store.onChange(() => listener()),
      state: () => store.view.state,
      clock,
      version: manifest.version,
      report: (error) => void reported.push(String(error)),
    },
    () => Promise.resolve(undefined),
  );
  say({ type: 'watch', filter: {} });
  say({ type: 'ask', id: 1, ask: 'query', params: { filter: {}, offset: 0, limit: 200 } });
  say({ type: 'ask', id: 2, ask: 'facets', params: {} });
  say({ type: 'ask', id: 3, ask: 'story', params: { grantId } });
  page.show(grantId);
  await until('the answers of the page', () => posted.filter(({ type }) => type === 'answer' || type === 'refused').length === 3);
  await until('the push', () => posted.some(({ type }) => type === 'live'));
  page.close();
  return { posted, reported, state: store.view.state };
}

process.on('message', (told: Told) => {
  act(told).then(
    (value) => process.send?.({ ok: true, value }),
    (error: unknown) => process.send?.({ ok: false, value: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ok: true });
