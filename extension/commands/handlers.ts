import { commands, env, window } from 'vscode';
import type { ElevationRequest } from '../../protocol/model.ts';
import type { ApprovalsView } from '../approvals/approvals-view.ts';
import { APPROVALS_VIEW, type CommandId } from '../contributions.ts';
import type { DaemonLog } from '../documents/daemon-log.ts';
import type { RequestDocuments } from '../documents/request-document.ts';
import type { Memory } from '../elevate/remembered.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import type { BalancersView } from '../tree/balancers-view.ts';
import type { BalancerNode, Node, PartNode } from '../tree/nodes.ts';
import type { TreeSource } from '../tree/source.ts';
import { mine, revocable, type ShownGrant, waiting } from '../view.ts';
import type { ActParts } from './parts.ts';

export interface HandlerParts extends ActParts {
  memory: Memory;
  defaultMinutes(): number;
  source: TreeSource;
  balancers: BalancersView;
  approvals: ApprovalsView;
  documents: RequestDocuments;
  log: DaemonLog;
  signIn: SignIn;
  showAudit(): void;
  /** Resolves when it runs, or when the person was told why not. */
  startDaemon(): Promise<void>;
}

export type Handlers = Record<CommandId, (argument: unknown) => unknown>;

/**
 * What each command does. Arguments count only when they are rows that our own views made: whoever else presses a command
 * presses it without arguments, and the person chooses. Flows are loaded when first used.
 */
export function handlers(parts: HandlerParts): Handlers {
  const { store, source, balancers, approvals } = parts;
  const nodeOf = (argument: unknown): Node | undefined => (source.owns(argument) ? argument : undefined);
  const requestOf = (argument: unknown): ElevationRequest | undefined =>
    approvals.owns(argument) ? store.view.state?.requests[argument.requestId] : undefined;
  const here = (argument: unknown, grants: ShownGrant[]) => grants.filter(({ grant }) => isUnder(nodeOf(argument), grant.resource));
  const deciding = { store, notices: parts.notices, open: (request: ElevationRequest) => parts.documents.open(request) };
  const gone = () => parts.notices.told('This request is over.');

  return {
    'portcullis.elevate': async (argument) => {
      const { elevate } = await import('../elevate/elevate.ts');
      const { Remembered } = await import('../elevate/remembered.ts');
      const { clock, time, memory } = parts;
      const node = nodeOf(argument);
      const elevating = {
        ask: store.ask,
        clock,
        time,
        remembered: new Remembered(memory),
        defaultMinutes: () => parts.defaultMinutes(),
        newKey: () => parts.newKey(),
        requested: (id: string) => parts.requested(id),
      };
      await elevate(elevating, node?.kind === 'balancer' || node?.kind === 'part' ? resourceOf(node) : undefined);
    },
    'portcullis.revoke': async (argument) => (await import('./revoke.ts')).revoke(parts, here(argument, revocable(store.view))),
    'portcullis.revokeAll': async () => (await import('./revoke.ts')).revokeAll(parts),
    'portcullis.extend': async (argument) => (await import('./extend.ts')).extend(parts, here(argument, mine(store.view))),
    'portcullis.cancelRequest': async (argument) => {
      const requests = waiting(store.view).filter(({ resource }) => isUnder(nodeOf(argument), resource));
      await (await import('./cancel-request.ts')).cancelRequest(parts, requests);
    },
    'portcullis.approveRequests': async () => (await import('../approvals/decide.ts')).approveRequests(deciding),
    'portcullis.approveRequest': async (argument) => {
      const request = requestOf(argument);
      if (!request) return gone();
      await parts.documents.open(request);
      await (await import('../approvals/decide.ts')).approve(deciding, request);
    },
    'portcullis.denyRequest': async (argument) => {
      const request = requestOf(argument);
      if (!request) return gone();
      await parts.documents.open(request);
      await (await import('../approvals/decide.ts')).deny(deciding, request);
    },
    'portcullis.openRequest': (argument) => {
      const request = requestOf(argument);
      return request ? parts.documents.open(request) : gone();
    },
    'portcullis.showAccess': async () => {
      const showing = { ...parts, startDaemon: () => void parts.startDaemon(), showDaemonLog: () => void parts.log.show() };
      await (await import('./show-access.ts')).showAccess(showing);
    },
    'portcullis.showAudit': () => parts.showAudit(),
    'portcullis.showInAudit': (argument) => {
      const [first] = here(argument, mine(store.view));
      return first ? parts.showInAudit(first.grant.id) : parts.showAudit();
    },
    'portcullis.refresh': async () => {
      source.refresh();
      balancers.redraw();
      await store.ask('inventory.refresh', {});
    },
    'portcullis.filter': async () => {
      const value = await window.showInputBox({
        title: 'Filter load balancers',
        prompt: 'Part of a name, group, tag or id. Empty shows all.',
        value: source.filter,
      });
      if (value !== undefined) balancers.filter(value);
    },
    'portcullis.clearFilter': () => balancers.filter(''),
    'portcullis.retry': async (argument) => {
      const node = nodeOf(argument);
      if (node?.kind !== 'problem') return;
      source.retry(node.parent);
      balancers.redraw(node.parent);
      // Parts are asked of the cloud each time; lists are the daemon's, with what went wrong when they were read.
      if (node.parent?.kind !== 'balancer') await store.ask('inventory.refresh', {});
    },
    'portcullis.showMore': async (argument) => {
      const node = nodeOf(argument);
      if (node?.kind !== 'more') return;
      await source.more(node.parent);
      balancers.redraw(node.parent);
    },
    'portcullis.copyResourceId': async (argument) => {
      const node = nodeOf(argument);
      if (node?.kind === 'balancer' || node?.kind === 'part') await env.clipboard.writeText(resourceOf(node).id);
    },
    'portcullis.signIn': () => parts.signIn.signIn(),
    'portcullis.signOut': () => parts.signIn.signOut(),
    'portcullis.startDaemon': () => parts.startDaemon(),
    'portcullis.showDaemonLog': () => parts.log.show(),
  };
}

export const showApprovals = (): void => void commands.executeCommand(`${APPROVALS_VIEW}.focus`);

const resourceOf = (node: BalancerNode | PartNode) =>
  node.kind === 'balancer'
    ? { id: node.balancer.id, name: node.balancer.name, balancerName: node.balancer.name }
    : { id: node.part.id, name: node.part.name, balancerName: node.balancer.name };

/** Whether a resource is the row's own, or hangs under it. Without a row everything counts. */
function isUnder(node: Node | undefined, resource: { id: string; balancerId: string }): boolean {
  if (node?.kind === 'balancer') return resource.balancerId === node.balancer.id;
  if (node?.kind === 'part') return resource.id === node.part.id;
  return true;
}
