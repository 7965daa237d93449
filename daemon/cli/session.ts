import * as v from 'valibot';
import type { Client } from '../../protocol/client.ts';
import { type Cancel, SECOND } from '../../protocol/clock.ts';
import { METHODS, type Method, type Params, type Result } from '../../protocol/messages.ts';
import type { Answer } from '../../protocol/refusal.ts';
import type { CommandLine } from './command-line.ts';
import { Refused, UsageError } from './outcome.ts';

/** One verb's connection to the daemon. */
export class Session {
  readonly line: CommandLine;
  readonly client: Client;

  constructor(line: CommandLine, client: Client) {
    this.line = line;
    this.client = client;
  }

  get state(): Client['state'] {
    return this.client.state;
  }

  /**
   * Asks the daemon, having checked the input by the rules of the protocol.
   * @throws UsageError that names the field and its rule.
   */
  async ask<M extends Method>(method: M, params: v.InferInput<(typeof METHODS)[M]['params']>): Promise<Result<M>> {
    const checked = v.safeParse(METHODS[method].params, params);
    if (!checked.success) {
      const [issue] = checked.issues;
      const field = v.getDotPath(issue);
      throw new UsageError(field ? `${OPTION_OF[field] ?? field}: ${issue.message}` : issue.message);
    }
    return slowly(this.line, `Waiting for the daemon (${method})`, this.client.call(method, checked.output as Params<M>));
  }

  /** Like `ask`, where the daemon may refuse. */
  async want<M extends Answering>(method: M, params: v.InferInput<(typeof METHODS)[M]['params']>): Promise<Granted<M>> {
    const answer = (await this.ask(method, params)) as Answer<Granted<M>>;
    if (!answer.ok) throw new Refused(answer.refusal);
    return answer.value;
  }
}

/** Methods that answer with a value or a refusal. */
type Answering = { [M in Method]: Result<M> extends Answer<unknown> ? M : never }[Method];
type Granted<M extends Method> = Extract<Result<M>, { ok: true }> extends { value: infer T } ? T : never;

const OPTION_OF: Record<string, string> = {
  duration: '--for',
  reason: '--reason',
  ticket: '--ticket',
  idempotencyKey: '--idempotency-key',
  roleId: '--role',
  authority: '--authority',
  'filter.person': '--person',
  'filter.balancer': '--balancer',
  'filter.text': '--text',
};

/** Says what is awaited when it takes more than a second. */
export async function slowly<T>(line: Pick<CommandLine, 'clock' | 'err'>, text: string, work: Promise<T>): Promise<T> {
  const cancel: Cancel = line.clock.after(SECOND, () => line.err(`${text}…\n`));
  try {
    return await work;
  } finally {
    cancel();
  }
}
