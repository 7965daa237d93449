import type { Logger } from 'pino';
import { Fault } from '../protocol/fault.ts';

/** What may stand in central's log of an error: no tokens, no bodies. */
export function troubleIn(logger: Logger): (error: unknown, what: string) => void {
  return (error, what) => {
    const fault = error instanceof Fault ? error : undefined;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
    const fields = {
      what,
      code: fault?.code,
      detail: fault?.detail,
      message: error instanceof Error ? error.message : String(error),
      cause,
    };
    if (fault) logger.warn(fields, 'fault');
    else logger.error({ ...fields, stack: error instanceof Error ? error.stack : undefined }, 'bug');
  };
}
