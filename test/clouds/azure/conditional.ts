import { ArmError } from './arm-error.ts';
import type { Incoming } from './exchange.ts';
import type { Faults } from './faults.ts';

/** If-Match and If-None-Match of a write. Throws 412. @param etag Undefined when nothing is there. */
export function demandUnchanged(headers: Incoming['headers'], etag: string | undefined, faults: Faults): void {
  if (faults.ignoreIfMatch) return;
  const match = headers['if-match'];
  const none = headers['if-none-match'];
  const failed =
    (match !== undefined && match !== '*' && match !== etag) ||
    (match === '*' && etag === undefined) ||
    (none === '*' && etag !== undefined);
  if (failed) {
    throw new ArmError(
      412,
      'PreconditionFailed',
      `Precondition failed. The resource's etag is ${etag ?? 'absent'} and the condition was ${match ?? none}.`,
    );
  }
}
