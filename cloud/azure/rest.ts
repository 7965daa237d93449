import * as v from 'valibot';
import { Fault } from '../../protocol/fault.ts';
import type { AzureClients } from './clients.ts';
import { type AzureSettings, endpointOf } from './settings.ts';

interface Call<S extends v.GenericSchema> {
  method: 'GET' | 'PATCH';
  /** From the leading slash on; or an absolute address that Azure gave for the next page. */
  path: string;
  query: Record<string, string>;
  body?: unknown;
  answer: S;
}

const ErrorBody = v.object({ error: v.object({ code: v.string(), message: v.optional(v.string(), '') }) });

/**
 * The few calls of Resource Manager for which there is no client here (locks, approvals), through the same pipeline as
 * all others: same sign-in, same retries, same certificate authority. Throws what the clients throw.
 */
export async function call<S extends v.GenericSchema>(
  clients: AzureClients,
  settings: AzureSettings,
  { method, path, query, body, answer }: Call<S>,
  signal: AbortSignal,
): Promise<v.InferOutput<S>> {
  const { createPipelineRequest, RestError } = await import('@azure/core-rest-pipeline');
  const client = await clients.authorization();
  const endpoint = endpointOf(settings);
  const url = new URL(path, endpoint);
  // The token must not follow a link to somewhere else.
  if (url.origin !== new URL(endpoint).origin) throw new Fault('protocol-violation', 'Azure pointed to another host for the next page.');
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const request = createPipelineRequest({ url: url.href, method, abortSignal: signal });
  request.headers.set('accept', 'application/json');
  if (body !== undefined) {
    request.headers.set('content-type', 'application/json; charset=utf-8');
    request.body = JSON.stringify(body);
  }
  const response = await client.sendRequest(request);
  const content = parsed(response.bodyAsText);
  if (response.status >= 400) {
    const error = v.safeParse(ErrorBody, content);
    throw new RestError(error.success ? error.output.error.message : `Status ${response.status}`, {
      statusCode: response.status,
      request,
      response,
      ...(error.success && { code: error.output.error.code }),
    });
  }
  const read = v.safeParse(answer, content);
  if (!read.success) throw new Fault('protocol-violation', `Azure's answer is not understood: ${v.summarize(read.issues)}`);
  return read.output;
}

function parsed(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
