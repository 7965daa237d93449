import type { Instant } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Order } from '../provider.ts';
import { startName } from './request-name.ts';
import { parseResource, roleDefinitionId } from './resource-id.ts';

/** An order in Azure's words: who, which role definition, where, and under which name it was asked for. */
export interface Elevation {
  subscriptionId: string;
  /** Without the leading slash, which the client adds itself. */
  scope: string;
  principalId: string;
  roleGuid: string;
  roleDefinitionId: string;
  notAfter: Instant;
  /** Name of the request that starts it. */
  startName: string;
  justification: string;
  ticketInfo?: { ticketNumber: string; ticketSystem: string } | undefined;
}

/** Entra cuts long texts; the grant's id must survive, for it leads from Azure's record to ours. */
const REASON = 400;

/** Where our own mark stands in a reason that Azure keeps: it is none of the person's words. */
export const GRANT_MARK = / \(Portcullis grant [0-9a-f-]{36}\)$/;

export function elevationOf(order: Order, roleGuid: string): Elevation {
  const resource = parseResource(order.resource);
  if (!resource) throw new Fault('not-supported-here', 'This resource is not a load balancer of Azure.');
  return {
    subscriptionId: resource.subscriptionId,
    scope: resource.armId.slice(1),
    principalId: order.principalId,
    roleGuid,
    roleDefinitionId: roleDefinitionId(resource.subscriptionId, roleGuid),
    notAfter: order.notAfter,
    startName: startName(order.grantId),
    justification: `${order.reason.slice(0, REASON)} (Portcullis grant ${order.grantId})`,
    ...(order.ticket && { ticketInfo: { ticketNumber: order.ticket, ticketSystem: 'Portcullis' } }),
  };
}
