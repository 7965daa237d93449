import type { Method, Params, Result } from '../../protocol/messages.ts';

/**
 * One question to the daemon.
 * @throws Fault `timed-out` when it is not connected or does not answer.
 */
export type Ask = <M extends Method>(method: M, params: Params<M>) => Promise<Result<M>>;
