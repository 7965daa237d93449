import { ArmError } from './arm-error.ts';
import type { Incoming } from './exchange.ts';
import type { Faults } from './faults.ts';

/**
 * If-Match and If-None-Match of a write to the resource of that id. Throws 412, in the words that the network provider
 * was met with (hashicorp/terraform-provider-azurerm#13886). @param etag Undefined when nothing is there.
 */
export function demandUnchanged(headers: Incoming['headers'], id: string, etag: string | undefined, faults: Faults): void {
  if (faults.ignoreIfMatch) return;
  const match = headers['if-match'];
  const none = headers['if-none-match'];
  const failed =
    (match !== undefined && match !== '*' && match !== etag) ||
    (match === '*' && etag === undefined) ||
    (none === '*' && etag !== undefined);
  if (!failed) return;
  const mismatch = {
    code: 'PreconditionFailedEtagMismatch',
    message: `Etag provided in if-match header ${match} does not match etag ${etag} of resource ${id} in NRP data store.`,
  };
  const details = match !== undefined && etag !== undefined ? [mismatch] : [];
  throw new ArmError(412, 'PreconditionFailed', 'Precondition failed.', { details });
}
