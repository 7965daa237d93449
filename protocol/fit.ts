import * as v from 'valibot';

/** What names a thing or proves one: half of it would be another one. */
const NEVER_CUT = /^(id|.+Id|source|prev|hash)$/;

/**
 * What a schema accepts of a value that was made by us from other people's words: texts that are longer than they may be
 * are cut, so that one of them never keeps the rest from being told.
 * @returns The value itself when the schema accepts it; a copy with shorter texts; undefined when more than that is wrong.
 */
export function fitted<T>(schema: v.GenericSchema<unknown, T>, value: T): T | undefined {
  const first = v.safeParse(schema, value);
  if (first.success) return value;
  // Everything that is told is JSON.
  const copy = JSON.parse(JSON.stringify(value)) as T;
  for (const issue of first.issues) if (!shorten(copy, issue)) return undefined;
  return v.is(schema, copy) ? copy : undefined;
}

/** Which member the schema refuses, and why: for a log. It says nothing of what stands in there. */
export function misfit(schema: v.GenericSchema, value: unknown): string | undefined {
  const issue = v.safeParse(schema, value).issues?.[0];
  return issue && `${v.getDotPath(issue) ?? 'value'}: ${issue.type}`;
}

function shorten(whole: unknown, { type, input, requirement, path }: v.BaseIssue<unknown>): boolean {
  const keys = path?.map(({ key }) => key) ?? [];
  const last = keys.pop();
  if (type !== 'max_length' || typeof input !== 'string' || typeof requirement !== 'number' || last === undefined) return false;
  if (NEVER_CUT.test(String(last))) return false;
  const parent = keys.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key as PropertyKey], whole);
  (parent as Record<PropertyKey, unknown>)[last as PropertyKey] = `${input.slice(0, requirement - 1).toWellFormed()}…`;
  return true;
}
