import { badRequest } from './arm-error.ts';

export type Expression =
  | { kind: 'value'; value: string | number | boolean | null }
  | { kind: 'path'; path: string[] }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'operator'; name: string; left: Expression; right: Expression };

export type Step =
  | { kind: 'where'; condition: Expression }
  | { kind: 'project' | 'extend'; columns: { name: string; value: Expression }[] }
  | { kind: 'order'; keys: { value: Expression; descending: boolean }[] }
  | { kind: 'take'; count: number };

export interface Kql {
  table: string;
  steps: Step[];
}

/** What Resource Graph answers to a query that it cannot read. */
export const unreadable = (message: string) =>
  badRequestWith(`Please provide below info when asking for support: timestamp, correlationId.`, [
    {
      code: 'InvalidQuery',
      message:
        'Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.',
    },
    { code: 'ParserFailure', message },
  ]);

function badRequestWith(message: string, details: { code: string; message: string }[]) {
  const error = badRequest('BadRequest', message);
  return Object.assign(error, { details });
}

const TOKEN =
  /\s*(?:(\/\/[^\n]*)|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|(!?in~|![a-z]+|==|=~|!~|!=|<=|>=|[|(),.=<>[\]])|([A-Za-z_]\w*))/y;
const COMPARISONS = new Set([
  '==',
  '!=',
  '=~',
  '!~',
  '<',
  '>',
  '<=',
  '>=',
  'in',
  'in~',
  '!in',
  '!in~',
  'contains',
  '!contains',
  'startswith',
  'endswith',
  'has',
]);

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (!match) throw unreadable(`Query text could not be read at position ${at}.`);
    if (match[1] === undefined) found.push(match[0].trim());
  }
  return found;
}

/** Reads the part of the query language that an inventory needs; anything else is refused, never ignored. */
export function parseKql(text: string): Kql {
  return new Parser(tokens(text)).query();
}

class Parser {
  readonly #tokens: string[];
  #at = 0;

  constructor(found: string[]) {
    this.#tokens = found;
  }

  query(): Kql {
    const table = this.#take();
    const steps: Step[] = [];
    while (this.#at < this.#tokens.length) {
      this.#expect('|');
      steps.push(this.#step());
    }
    return { table: table.toLowerCase(), steps };
  }

  #step(): Step {
    const name = this.#take().toLowerCase();
    if (name === 'where') return { kind: 'where', condition: this.#or() };
    if (name === 'project' || name === 'extend') return { kind: name, columns: this.#columns() };
    if (name === 'order' || name === 'sort') {
      this.#expect('by');
      return { kind: 'order', keys: this.#keys() };
    }
    if (name === 'take' || name === 'limit') return { kind: 'take', count: Number(this.#take()) };
    throw unreadable(`The operator '${name}' is not supported.`);
  }

  #columns(): { name: string; value: Expression }[] {
    return this.#separated(() => {
      const next = this.#tokens[this.#at + 1];
      if (next === '=') {
        const name = this.#take();
        this.#take();
        return { name, value: this.#or() };
      }
      const value = this.#or();
      if (value.kind !== 'path') throw unreadable('A projected expression needs a name.');
      return { name: value.path.join('_'), value };
    });
  }

  #keys(): { value: Expression; descending: boolean }[] {
    return this.#separated(() => {
      const value = this.#or();
      const direction = this.#peek()?.toLowerCase();
      if (direction === 'asc' || direction === 'desc') this.#take();
      // Without a word the query language sorts downwards.
      return { value, descending: direction !== 'asc' };
    });
  }

  #separated<T>(read: () => T): T[] {
    const all = [read()];
    while (this.#peek() === ',') {
      this.#take();
      all.push(read());
    }
    return all;
  }

  #or(): Expression {
    return this.#joined('or', () => this.#joined('and', () => this.#comparison()));
  }

  #joined(word: string, read: () => Expression): Expression {
    let left = read();
    while (this.#peek()?.toLowerCase() === word) {
      this.#take();
      left = { kind: 'operator', name: word, left, right: read() };
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#primary();
    const name = this.#peek()?.toLowerCase();
    if (name === undefined || !COMPARISONS.has(name)) return left;
    this.#take();
    const right = name.includes('in') && /^!?in~?$/.test(name) ? this.#list() : this.#primary();
    return { kind: 'operator', name, left, right };
  }

  #list(): Expression {
    this.#expect('(');
    const items = this.#separated(() => this.#primary());
    this.#expect(')');
    return { kind: 'list', items };
  }

  #primary(): Expression {
    const token = this.#take();
    if (token === '(') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (/^['"]/.test(token)) return { kind: 'value', value: token.slice(1, -1).replace(/\\(.)/g, '$1') };
    if (/^\d/.test(token)) return { kind: 'value', value: Number(token) };
    if (token === 'true' || token === 'false') return { kind: 'value', value: token === 'true' };
    if (token === 'null') return { kind: 'value', value: null };
    if (!/^[A-Za-z_]/.test(token)) throw unreadable(`Unexpected '${token}'.`);
    if (this.#peek() === '(') return { kind: 'call', name: token.toLowerCase(), args: this.#arguments() };
    return { kind: 'path', path: this.#path(token) };
  }

  #arguments(): Expression[] {
    this.#expect('(');
    if (this.#peek() === ')') {
      this.#take();
      return [];
    }
    const args = this.#separated(() => this.#or());
    this.#expect(')');
    return args;
  }

  #path(first: string): string[] {
    const path = [first];
    for (;;) {
      if (this.#peek() === '.') {
        this.#take();
        path.push(this.#take());
      } else if (this.#peek() === '[') {
        this.#take();
        path.push(this.#take().replace(/^['"]|['"]$/g, ''));
        this.#expect(']');
      } else return path;
    }
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw unreadable('Unexpected end of the query.');
    this.#at += 1;
    return token;
  }

  #expect(word: string): void {
    const token = this.#take();
    if (token.toLowerCase() !== word) throw unreadable(`Expected '${word}' and found '${token}'.`);
  }
}
