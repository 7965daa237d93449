import * as v from 'valibot';
import { Fault } from '../../protocol/fault.ts';
import { misfit } from '../../protocol/fit.ts';
import { METHODS, type Method, type Params, type Result, RPC_ERROR } from '../../protocol/messages.ts';
import { no, type RefusalCode } from '../../protocol/refusal.ts';
import type { Log } from '../log.ts';
import { ofError } from '../log.ts';

/** A method without its handler does not compile. `hello` belongs to the connection itself. */
export type Handlers = { readonly [M in Exclude<Method, 'hello'>]: (params: Params<M>) => Result<M> | Promise<Result<M>> };

export type Outcome = { result: unknown } | { error: { code: number; message: string; data?: unknown } };

const MISTAKE = 'The daemon made a mistake with this call. Its log has the details.';

const isMethod = (name: string): name is Method => Object.hasOwn(METHODS, name);
/** Methods that can say no: for them even bad input and a fault are a refusal, with a field and a way out. */
const canRefuse = (method: Method): boolean => METHODS[method].result.type === 'variant';

/** Parses, calls and answers one message. It never throws: a bug ends this one call. */
export async function dispatch(handlers: Handlers, method: string, params: unknown, log: Log): Promise<Outcome> {
  if (!isMethod(method) || method === 'hello') return { error: { code: RPC_ERROR.unknownMethod, message: 'There is no such method' } };
  const parsed = v.safeParse(METHODS[method].params, params ?? {});
  if (!parsed.success) {
    const { field, message } = named(parsed.issues[0]);
    if (canRefuse(method)) return { result: no('bad-input', message, { field, wayOut: `Correct ${field} and try again.` }) };
    return { error: { code: RPC_ERROR.badParams, message } };
  }
  try {
    const handler = handlers[method] as (params: unknown) => unknown;
    const result = await handler(parsed.output);
    const wrong = misfit(METHODS[method].result, result);
    if (wrong === undefined) return { result };
    // The client would refuse it, and not know why.
    log.error('answer does not fit', { method, problem: wrong });
    return { error: { code: RPC_ERROR.bug, message: MISTAKE } };
  } catch (error) {
    return failed(method, error, log);
  }
}

function failed(method: Method, error: unknown, log: Log): Outcome {
  if (error instanceof Fault) {
    log.warn('call failed', { method, ...ofError(error) });
    if (canRefuse(method))
      return { result: no(refusalOf(error), error.message, error.wayOut === undefined ? {} : { wayOut: error.wayOut }) };
    return { error: { code: RPC_ERROR.fault, message: error.message, data: { code: error.code, wayOut: error.wayOut } } };
  }
  log.error('bug', { method, ...ofError(error) });
  return { error: { code: RPC_ERROR.bug, message: MISTAKE } };
}

/** A fault in the words of a refusal. */
export function refusalOf(fault: Fault): RefusalCode {
  switch (fault.code) {
    case 'sign-in-failed':
      return 'not-signed-in';
    case 'cloud-throttled':
      return 'rate-limited';
    case 'store-failed':
      return 'unhealthy';
    case 'not-supported-here':
      return 'unsupported';
    default:
      return 'unreachable';
  }
}

function named(issue: v.BaseIssue<unknown>): { field: string; message: string } {
  const field = v.getDotPath(issue) ?? 'params';
  if (issue.type === 'strict_object' && issue.expected === 'never') return { field, message: `${field}: there is no such field` };
  return { field, message: `${field}: ${issue.message}` };
}
