import { env, type QuickInputButton, ThemeIcon } from 'vscode';
import type { Cancel } from '../../protocol/clock.ts';
import { hindrance } from '../../protocol/lifecycle.ts';
import type { ElevationRequest, Grant } from '../../protocol/model.ts';
import { inFull } from '../../protocol/problem-words.ts';
import { type Choice, type List, line, pick, separator } from '../quick/pick.ts';
import type { StepEnd } from '../quick/steps.ts';
import { extendable, isUnknown, mine, revocable, type ShownGrant, type View, waiting } from '../view.ts';
import { onWhat } from '../words/grants.ts';
import { cancel, requestChoice } from './cancel-request.ts';
import { extend } from './extend.ts';
import type { ActParts } from './parts.ts';
import { grantChoice, revokeAll, revokeGrant } from './revoke.ts';

type Entry = { grant: Grant } | { request: ElevationRequest } | { all: true } | { run: () => void };

const REVOKE: QuickInputButton = { iconPath: new ThemeIcon('lock'), tooltip: 'Revoke' };
const EXTEND: QuickInputButton = { iconPath: new ThemeIcon('watch'), tooltip: 'Extend…' };
const AUDIT: QuickInputButton = { iconPath: new ThemeIcon('history'), tooltip: 'Show in audit' };
const CANCEL: QuickInputButton = { iconPath: new ThemeIcon('close'), tooltip: 'Cancel request' };

export interface ShowAccessParts extends ActParts {
  startDaemon(): void;
  showDaemonLog(): void;
}

/** What the status bar opens: what I hold and what waits, with what can be done about each. It follows every change. */
export async function showAccess(parts: ShowAccessParts): Promise<void> {
  let stopFollowing: Cancel | undefined;
  let chosen: Entry | undefined;
  const end = await pick<Entry>({
    title: 'My access',
    placeholder: 'Choose one to revoke, extend or see in the audit',
    fill(list) {
      stopFollowing ??= parts.store.onChange(() => list.again());
      list.show(entries(parts, parts.store.view));
    },
    onItemButton: ({ value }, button, list) => void press(parts, value, button, list),
    accept(value) {
      chosen = value;
      return 'done';
    },
  }).finally(() => stopFollowing?.());
  if (end !== 'done' || !chosen) return;
  if ('run' in chosen) return chosen.run();
  if ('all' in chosen) return revokeAll(parts);
  if ('request' in chosen) await requestActs(parts, chosen.request);
  else await grantActs(parts, chosen.grant);
}

function entries(parts: ShowAccessParts, view: View): Choice<Entry>[] {
  const held = mine(view);
  const requests = waiting(view);
  const connected = view.link.state === 'connected';
  return [
    ...(connected ? [] : outOfContact(parts, view)),
    ...(connected && view.state?.heldUnknown ? [line('What you held before is not known', 'warning', view.state.heldUnknown)] : []),
    ...(held.length > 0 ? [separator(connected ? 'You hold' : 'You held when contact was lost')] : []),
    ...held.map((shown) => ({
      ...grantChoice(parts, shown),
      buttons: connected ? buttonsOf(view, shown) : [],
      value: { grant: shown.grant },
    })),
    ...(requests.length > 0 ? [separator('Waiting for approval')] : []),
    ...requests.map((request) => ({ ...requestChoice(request), buttons: connected ? [CANCEL] : [], value: { request } })),
    ...(held.length + requests.length === 0 && !isUnknown(view) ? [line('You hold nothing', 'lock')] : []),
    ...(connected && revocable(view).length > 1
      ? [separator(''), { label: 'Revoke all', iconPath: new ThemeIcon('lock'), value: { all: true as const } }]
      : []),
  ];
}

function outOfContact(parts: ShowAccessParts, view: View): Choice<Entry>[] {
  const problem = view.link.state === 'absent' ? view.link.problem : 'Contact with the daemon is lost. It is being started again.';
  return [
    line('Access state unknown', 'warning', problem),
    ...(view.link.state === 'absent'
      ? [{ label: 'Start daemon', iconPath: new ThemeIcon('debug-start'), value: { run: () => parts.startDaemon() } }]
      : []),
    { label: 'Show daemon log', iconPath: new ThemeIcon('output'), value: { run: () => parts.showDaemonLog() } },
  ];
}

const buttonsOf = (view: View, { grant }: ShownGrant): QuickInputButton[] => [
  ...(revocable(view).some((one) => one.grant.id === grant.id) ? [REVOKE] : []),
  ...(extendable(view).some((one) => one.grant.id === grant.id) ? [EXTEND] : []),
  AUDIT,
];

async function press(parts: ActParts, value: Entry | undefined, button: QuickInputButton, list: List<Entry>): Promise<void> {
  if (value && 'request' in value && button === CANCEL) return cancel(parts, value.request);
  if (!value || !('grant' in value)) return;
  if (button === REVOKE) return revokeGrant(parts, value.grant);
  if (button === AUDIT) {
    // It would stand before what was asked for.
    list.end('cancel');
    return parts.showInAudit(value.grant.id);
  }
  if (button === EXTEND)
    return extend(
      parts,
      mine(parts.store.view).filter(({ grant }) => grant.id === value.grant.id),
    );
}

/** The same acts for those who do not use a mouse. */
async function grantActs(parts: ActParts, grant: Grant): Promise<void> {
  const { view } = parts.store;
  const { ok, why } = grant.extendable;
  await pick<() => unknown>({
    title: onWhat(grant),
    placeholder: 'What to do?',
    fill: (list) =>
      list.show([
        ...(revocable(view).some((one) => one.grant.id === grant.id)
          ? [{ label: 'Revoke', detail: 'Takes it back now', iconPath: REVOKE.iconPath, value: () => revokeGrant(parts, grant) }]
          : [beingRevoked(grant)]),
        ok
          ? {
              label: 'Extend…',
              iconPath: EXTEND.iconPath,
              value: () =>
                extend(
                  parts,
                  mine(view).filter((one) => one.grant.id === grant.id),
                ),
            }
          : line('Cannot be extended', 'circle-slash', why),
        { label: 'Show in audit', iconPath: AUDIT.iconPath, value: () => parts.showInAudit(grant.id) },
        { label: 'Copy grant id', description: grant.id, iconPath: new ThemeIcon('copy'), value: () => env.clipboard.writeText(grant.id) },
      ]),
    accept: runAndClose,
  });
}

function beingRevoked(grant: Grant): Choice<() => unknown> {
  const kept = hindrance(grant);
  if (!kept) return line('Being revoked', 'sync', grant.awaiting);
  return line('Cannot be revoked', 'warning', inFull(kept));
}

async function requestActs(parts: ActParts, request: ElevationRequest): Promise<void> {
  await pick<() => unknown>({
    title: 'Waiting for approval',
    placeholder: 'What to do?',
    fill: (list) => list.show([{ label: 'Cancel request', iconPath: CANCEL.iconPath, value: () => cancel(parts, request) }]),
    accept: runAndClose,
  });
}

function runAndClose(run: () => unknown): StepEnd {
  void run();
  return 'done';
}
