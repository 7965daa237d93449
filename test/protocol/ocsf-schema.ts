import schema from './ocsf-1.8.0.json' with { type: 'json' };

/** A validator for OCSF events that knows nothing of how we make them: it reads the facts of the published schema. */

interface Shape {
  attributes: Record<string, string>;
  open?: boolean;
  atLeastOne?: string[];
  justOne?: string[];
}
type Members = Record<string, unknown>;

const TYPES: Record<string, { type: string; pattern?: string; range?: number[] }> = schema.types;
const ENUMS: Record<string, Record<string, string>> = schema.enums;
const CLASSES: Record<string, Shape & { name: string; category: number; activities: Record<string, string> }> = schema.classes;
const OBJECTS: Record<string, Shape> = schema.objects;
const CATEGORIES: Record<string, string> = schema.categories;

/** What an event gets wrong; empty when it is valid. */
export function wrongWith(event: Members): string[] {
  const of = CLASSES[String(event['class_uid'])];
  if (!of) return [`class_uid: ${event['class_uid']} is no class`];
  const identity = of.category === 3 ? schema.everyIdentityClass : {};
  const profiles = (event['metadata'] as { profiles?: string[] } | undefined)?.profiles ?? [];
  const attributes = { ...schema.everyClass, ...identity, ...of.attributes };
  return [...members('', event, { ...of, attributes }, profiles), ...classification(event, of)];
}

function classification(event: Members, { name, category, activities }: (typeof CLASSES)[string]): string[] {
  const activity = activities[String(event['activity_id'])];
  const activityName = activity === 'Other' ? event['activity_name'] : activity;
  const typeName = `${name}: ${activity}`;
  const rules: [string, boolean][] = [
    ['activity_id: not of this class', activity !== undefined],
    ['activity_name', typeof activityName === 'string' && activityName !== '' && event['activity_name'] === activityName],
    ['type_uid: class_uid * 100 + activity_id', event['type_uid'] === Number(event['class_uid']) * 100 + Number(event['activity_id'])],
    ['type_name', event['type_name'] === typeName],
    ['class_name', event['class_name'] === name],
    ['category_uid', event['category_uid'] === category],
    ['category_name', event['category_name'] === CATEGORIES[category]],
    ['metadata.version', (event['metadata'] as Members)['version'] === schema.version],
  ];
  return rules.flatMap(([rule, holds]) => (holds ? [] : [rule]));
}

function members(path: string, value: Members, shape: Shape, profiles: string[]): string[] {
  if (shape.open) return [];
  const has = (name: string) => Object.hasOwn(value, name);
  return [
    ...Object.keys(value).flatMap((name) => (shape.attributes[name] ? [] : [`${path}${name}: unknown attribute`])),
    ...Object.entries(shape.attributes).flatMap(([name, rule]) => attribute(`${path}${name}`, value, name, rule, profiles)),
    ...(shape.atLeastOne && !shape.atLeastOne.some(has) ? [`${path}: none of ${shape.atLeastOne.join(', ')}`] : []),
    ...(shape.justOne && shape.justOne.filter(has).length !== 1 ? [`${path}: not just one of ${shape.justOne.join(', ')}`] : []),
  ];
}

const RULE = /^(?<type>\w+?)(?<array>\[\])?(?<required>!)?(?::(?<of>\w+))?(?:@(?<profile>\w+))?$/;

function attribute(path: string, owner: Members, name: string, rule: string, profiles: string[]): string[] {
  const { type = '', array, required, of, profile } = RULE.exec(rule)?.groups ?? {};
  if (!Object.hasOwn(owner, name)) return required ? [`${path}: required`] : [];
  if (profile && !profiles.includes(profile)) return [`${path}: only in profile ${profile}`];
  const value = owner[name];
  if (array && !Array.isArray(value)) return [`${path}: no array`];
  const items = array ? (value as unknown[]) : [value];
  return items.flatMap((item) => (type === 'object_t' ? object(path, item, of, profiles) : scalar(path, owner, item, type, of)));
}

function object(path: string, value: unknown, of: string | undefined, profiles: string[]): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${path}: no object`];
  const shape = OBJECTS[of ?? ''];
  return shape ? members(`${path}.`, value as Members, shape, profiles) : [`${path}: ${of} is not among the facts`];
}

function scalar(path: string, owner: Members, value: unknown, type: string, enumeration: string | undefined): string[] {
  const rule = TYPES[type];
  if (!rule) return [`${path}: no such type as ${type}`];
  if (rule.type === 'any') return [];
  if (rule.type === 'integer' ? !Number.isSafeInteger(value) : typeof value !== rule.type) return [`${path}: no ${type}`];
  const [least, most] = rule.range ?? [];
  if (least !== undefined && most !== undefined && (Number(value) < least || Number(value) > most)) return [`${path}: out of range`];
  if (rule.pattern && !new RegExp(rule.pattern).test(String(value))) return [`${path}: not as ${type} must be`];
  if (!enumeration) return [];
  const caption = ENUMS[enumeration]?.[String(value)];
  if (caption === undefined) return [`${path}: ${value} is not in ${enumeration}`];
  const sibling = path.split('.').at(-1)?.replace(/_id$/, '') ?? '';
  // The caption beside the number is the enumeration's own, but for what is "Other".
  return caption === 'Other' || owner[sibling] === undefined || owner[sibling] === caption ? [] : [`${path}: is called ${caption}`];
}
