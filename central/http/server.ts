import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import * as v from 'valibot';
import { CENTRAL, centralAnswer, type Discovery, LONGEST_BODY, WELL_KNOWN } from '../../protocol/central-api.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted } from '../../protocol/fit.ts';
import { type Answer, no } from '../../protocol/refusal.ts';
import type { Actor } from '../people/actor.ts';
import type { Directory } from '../people/directory.ts';
import type { TokenVerifier, VerifiedToken } from '../people/tokens.ts';
import type { Endpoint, Handlers } from './handlers.ts';
import { badInput, refusedByFault, STATUS, statusOf } from './refusals.ts';

export interface ServerParts {
  cert: string | Buffer;
  key: string | Buffer;
  discovery: Discovery;
  verifier: TokenVerifier;
  directory: Directory;
  handlers: Handlers;
  /** Calls a minute of one address before sign-in, and of one person after it. */
  callsPerMinute: number;
  trouble: (error: unknown, what: string) => void;
}

/** Who a signed-in call is from, for as long as their token lives. */
export interface SignedIn {
  actor: Actor;
  token: VerifiedToken;
}

const Id = v.pipe(v.string(), v.uuid('Is not an id'));
const Page = v.strictObject({ after: whole(0, Number.MAX_SAFE_INTEGER, '0'), limit: whole(1, 1_000, '1000') });

/** HTTPS with every endpoint of the contract, and nothing else yet listening. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const https = { cert: parts.cert, key: parts.key, minVersion: 'TLSv1.3' as const };
  const server: FastifyInstance = fastify({
    https,
    bodyLimit: LONGEST_BODY,
    logger: false,
    forceCloseConnections: true,
    requestTimeout: 120_000,
  }) as never;
  await server.register(helmet);
  await server.register(rateLimit, { global: false });
  const limit = server.rateLimit({ max: parts.callsPerMinute, timeWindow: '1 minute', errorResponseBuilder: tooMany });
  server.addHook('onRequest', limit);

  server.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status === 429) return answer(reply, no('rate-limited', 'Too many calls', { wayOut: 'Wait a minute' }));
    if (status < 500) return answer(reply, no('bad-input', (error as Error).message.slice(0, 2_000)), status === 413 ? 413 : 400);
    parts.trouble(error, 'a call');
    return reply.code(500).send({ ok: false, refusal: { code: 'unreachable', message: 'Something went wrong inside central' } });
  });
  server.setNotFoundHandler((_request, reply) => answer(reply, no('not-found', 'There is nothing here')));
  server.get(WELL_KNOWN, async () => parts.discovery);

  for (const endpoint of Object.keys(CENTRAL) as Endpoint[]) {
    const { method, path, body: schema } = CENTRAL[endpoint];
    server.route({ method, url: path, handler: (request, reply) => handle(parts, endpoint, schema, request, reply) });
  }
  return server;
}

/** Named steps: authenticate, parse, act, answer. */
async function handle(
  parts: ServerParts,
  endpoint: Endpoint,
  schema: v.GenericSchema | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const signedIn = await authenticate(parts, request);
  if (!signedIn.ok) return answer(reply, signedIn);
  const parsed = v.safeParse(schema ?? v.undefined(), schema ? request.body : undefined);
  if (!parsed.success) return answer(reply, badInput(parsed.issues));
  const page = v.safeParse(Page, request.query ?? {});
  if (!page.success) return answer(reply, badInput(page.issues));
  const { id } = request.params as { id?: string };
  const checked = v.safeParse(v.optional(v.object({ id: Id })), id === undefined ? undefined : { id });
  if (!checked.success) return answer(reply, badInput(checked.issues));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort(new Fault('timed-out', 'The caller went away')));
  const act = parts.handlers[endpoint] as (context: object, body: unknown) => Promise<Answer<unknown>>;
  try {
    const context = { actor: signedIn.value.actor, id: id ?? '', ...page.output, signal: gone.signal };
    const result = await act(context, parsed.output);
    return answer(reply, fitted<Answer<unknown>>(centralAnswer(endpoint), result) ?? result);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    parts.trouble(error, endpoint);
    return answer(reply, refusedByFault(error), statusOf(error));
  }
}

/** The person from the token alone. */
export async function authenticate({ verifier, directory, trouble }: ServerParts, request: FastifyRequest): Promise<Answer<SignedIn>> {
  try {
    const token = await verifier.verify(request.headers.authorization);
    if (!token.ok) return token;
    return { ok: true, value: { actor: directory.actor(token.value), token: token.value } };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    trouble(error, 'sign-in');
    return refusedByFault(error);
  }
}

export function answer(reply: FastifyReply, result: Answer<unknown>, status?: number): FastifyReply {
  if (!result.ok && result.refusal.code === 'not-signed-in') reply.header('www-authenticate', 'Bearer');
  return reply.code(status ?? (result.ok ? 200 : STATUS[result.refusal.code])).send(result);
}

const tooMany = () => Object.assign(new Error('Too many calls'), { statusCode: 429 });

function whole(min: number, max: number, otherwise: string) {
  return v.pipe(
    v.optional(v.pipe(v.string(), v.regex(/^\d{1,16}$/, 'Is not a whole number')), otherwise),
    v.transform(Number),
    v.minValue(min, `Is at least ${min}`),
    v.maxValue(max, `Is at most ${max}`),
  );
}
