import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../json.ts';
import { isObject, objectOf, textOf } from '../json.ts';
import type { Answered, Stage } from '../stage.ts';
import { SUBID } from './tenant.ts';

interface Example {
  parameters: JsonObject;
  responses: Record<string, { body?: JsonObject; headers?: JsonObject }>;
}

/** One of Microsoft's published examples, its placeholders of a subscription's id filled in. */
export function example(name: string): Example {
  const text = readFileSync(new URL(`../examples/${name}.json`, import.meta.url), 'utf8');
  const filled = text.replace(/(subscriptions\/)subscriptionId\b|("subscriptionId": ")subscriptionId\b/g, `$1$2${SUBID}`);
  return JSON.parse(filled.replaceAll(/\bsubid\b/gi, SUBID)) as Example;
}

/** The published body of a success. */
export const bodyFor = ({ responses }: Example, status = '200'): JsonObject => objectOf(responses[status]?.body);

/** Members that our answer may have beyond a published one: the service documents them, the example leaves them out. */
const BEYOND = new Set(
  'etag type id resourceGuid tier sku tags zones linkedRoleEligibilityScheduleId identity publicCertData requireServerNameIndication keyVaultSecretId createdOn createdBy updatedOn updatedBy condition conditionVersion delegatedManagedIdentityResourceId description trustedRootCertificates sslProfiles rewriteRuleSets requestRoutingRules globalConfiguration inboundNatRules outboundRules networkInterfaceIPConfigurationId healthProbeLog provisioningState disableOutboundSnat privateEndpointConnections validatedCertData clientCertIssuerDN dataActions notDataActions'.split(
    ' ',
  ),
);

/** Where the shapes differ: names and types of members. Null stands for any type, an empty list for any list. */
export function differences(published: Json, ours: Json | undefined, at = ''): string[] {
  if (ours === undefined) return [`${at} is missing`];
  if (published === null || ours === null) return [];
  if (Array.isArray(published)) {
    if (!Array.isArray(ours)) return [`${at} is not a list`];
    return ours.length === 0 ? [] : published.flatMap((one, index) => differences(one, twinOf(one, index, ours), `${at}[${index}]`));
  }
  if (isObject(published)) {
    if (!isObject(ours)) return [`${at} is not an object`];
    const missing = Object.entries(published).flatMap(([name, value]) => differences(value ?? null, ours[name], `${at}.${name}`));
    const more = Object.keys(ours).filter((name) => !(name in published) && !BEYOND.has(name));
    return [...missing, ...more.map((name) => `${at}.${name} is not in the published answer`)];
  }
  return typeof published === typeof ours ? [] : [`${at} is ${typeof ours}, not ${typeof published}`];
}

/** What a published member of a list is compared with: ours of the same name, else ours in its place, else our first. */
function twinOf(published: Json, index: number, ours: readonly Json[]): Json | undefined {
  const name = isObject(published) ? (published['name'] ?? published['id']) : undefined;
  return ours.find((one) => name !== undefined && isObject(one) && (one['name'] ?? one['id']) === name) ?? ours[index] ?? ours[0];
}

export function same(published: JsonObject | undefined, answered: Answered, status: number, without: readonly string[] = []): void {
  assert.equal(answered.status, status, JSON.stringify(answered.body));
  const found = differences(published ?? {}, answered.body).filter((one) => !without.some((name) => one.startsWith(name)));
  assert.deepEqual(found, []);
}

export const text = (parameters: JsonObject, name: string): string => textOf(parameters[name]) ?? '';

const filled = (parameters: JsonObject, path: string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => text(parameters, name));

const asked = (parameters: JsonObject): string => {
  const filter = text(parameters, '$filter');
  return `api-version=${text(parameters, 'api-version')}${filter && `&$filter=${encodeURIComponent(filter)}`}`;
};

/** The address of a published request. @param path With its parameters in braces. */
export const address = (parameters: JsonObject, path: string): string => `${filled(parameters, path)}?${asked(parameters)}`;

export function networkPath(parameters: JsonObject, tail: string): string {
  const group = text(parameters, 'resourceGroupName') || text(parameters, 'groupName');
  return address(parameters, `/subscriptions/{subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/${tail}`);
}

export const scopePath = (parameters: JsonObject, tail: string): string =>
  address(parameters, `/{scope}/providers/Microsoft.Authorization/${tail}`);

export const bodyOf = (parameters: JsonObject): JsonObject =>
  objectOf(parameters['parameters'] ?? parameters['body'] ?? parameters['inboundNatRuleParameters']);

/** The answer of an operation that was started. */
export async function settled({ call }: Stage, oid: string, started: Answered): Promise<Answered> {
  return call(oid, 'GET', started.headers['location'] ?? '');
}

const READ_ONLY = new Set(
  'etag type provisioningState resourceGuid operationalState privateEndpointConnections publicCertData validatedCertData clientCertIssuerDN'.split(
    ' ',
  ),
);

/** What a client would send to make the published resource: without what the service's schema marks as read-only. */
export function sendable(published: Json): Json {
  if (Array.isArray(published)) return published.map(sendable);
  if (!isObject(published)) return published;
  const named = published['name'] !== undefined;
  return Object.fromEntries(
    Object.entries(published)
      .filter(([member]) => !READ_ONLY.has(member) && !(named && member === 'id'))
      .map(([member, value]) => [member, sendable(value ?? null)]),
  );
}
