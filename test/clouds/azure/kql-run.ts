import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';
import { type Expression, type Kql, unreadable } from './kql-syntax.ts';

/** Applies a query's steps to rows, as Resource Graph would. */
export function runKql(query: Kql, rows: readonly JsonObject[]): JsonObject[] {
  let now = [...rows];
  for (const step of query.steps) {
    if (step.kind === 'where') now = now.filter((row) => evaluate(step.condition, row) === true);
    else if (step.kind === 'take') now = now.slice(0, step.count);
    else if (step.kind === 'order') {
      now = now
        .map((row) => ({ row, keys: step.keys.map(({ value }) => evaluate(value, row)) }))
        .sort((a, b) => {
          for (const [index, { descending }] of step.keys.entries()) {
            const order = compare(a.keys[index] ?? null, b.keys[index] ?? null);
            if (order !== 0) return descending ? -order : order;
          }
          return 0;
        })
        .map(({ row }) => row);
    } else {
      now = now.map((row) => {
        const columns = Object.fromEntries(step.columns.map(({ name, value }) => [name, evaluate(value, row)]));
        return step.kind === 'extend' ? { ...row, ...columns } : columns;
      });
    }
  }
  return now;
}

function compare(a: Json, b: Json): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [text(a), text(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

const text = (value: Json): string => (value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value));

function evaluate(expression: Expression, row: JsonObject): Json {
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'list':
      return expression.items.map((item) => evaluate(item, row));
    case 'path':
      return lookUp(row, expression.path);
    case 'call':
      return call(
        expression.name,
        expression.args.map((arg) => evaluate(arg, row)),
      );
    case 'operator':
      return operate(expression.name, evaluate(expression.left, row), () => evaluate(expression.right, row));
  }
}

function lookUp(row: JsonObject, path: readonly string[]): Json {
  const [column = '', ...rest] = path;
  if (!(column in row)) throw unreadable(`'where' operator: Failed to resolve column or scalar expression named '${column}'.`);
  let value: Json = row[column] ?? null;
  for (const member of rest) {
    if (Array.isArray(value)) value = value[Number(member)] ?? null;
    else value = isObject(value) ? (value[member] ?? null) : null;
  }
  return value;
}

function operate(name: string, left: Json, right: () => Json): Json {
  if (name === 'and') return left === true && right() === true;
  if (name === 'or') return left === true || right() === true;
  const other = right();
  const lower = text(left).toLowerCase();
  const otherLower = text(other).toLowerCase();
  const among = (same: (item: Json) => boolean) => Array.isArray(other) && other.some(same);
  switch (name) {
    case '==':
      return text(left) === text(other);
    case '!=':
      return text(left) !== text(other);
    case '=~':
      return lower === otherLower;
    case '!~':
      return lower !== otherLower;
    case 'in':
      return among((item) => text(item) === text(left));
    case '!in':
      return !among((item) => text(item) === text(left));
    case 'in~':
      return among((item) => text(item).toLowerCase() === lower);
    case '!in~':
      return !among((item) => text(item).toLowerCase() === lower);
    case 'contains':
    case 'has':
      return lower.includes(otherLower);
    case '!contains':
      return !lower.includes(otherLower);
    case 'startswith':
      return lower.startsWith(otherLower);
    case 'endswith':
      return lower.endsWith(otherLower);
    default:
      return left !== null && other !== null && ordered(name, compare(left, other));
  }
}

function ordered(name: string, order: number): boolean {
  if (name === '<') return order < 0;
  if (name === '>') return order > 0;
  return name === '<=' ? order <= 0 : order >= 0;
}

function call(name: string, args: Json[]): Json {
  const [first = null] = args;
  switch (name) {
    case 'tostring':
      return text(first);
    case 'tolower':
      return text(first).toLowerCase();
    case 'toupper':
      return text(first).toUpperCase();
    case 'toint':
    case 'tolong':
      return first === null || text(first) === '' || Number.isNaN(Number(text(first))) ? null : Math.trunc(Number(text(first)));
    case 'tobool':
      return first === null ? null : text(first).toLowerCase() === 'true';
    case 'array_length':
      return Array.isArray(first) ? first.length : null;
    case 'coalesce':
      return args.find((arg) => arg !== null && arg !== '') ?? null;
    case 'isnull':
      return first === null;
    case 'isnotnull':
      return first !== null;
    case 'isempty':
      return text(first) === '';
    case 'isnotempty':
      return text(first) !== '';
    case 'not':
      return first !== true;
    case 'iff':
    case 'iif':
      return (first === true ? args[1] : args[2]) ?? null;
    case 'strcat':
      return args.map(text).join('');
    default:
      throw unreadable(`Unknown function: '${name}'.`);
  }
}
