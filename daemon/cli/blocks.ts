import { stripVTControlCharacters, styleText } from 'node:util';

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'strong';
export type Cell = string | { text: string; tone: Tone };

/** Text for people, before colours and widths. */
export type Block =
  | { kind: 'line'; cells: Cell[] }
  | { kind: 'table'; head: string[]; rows: Cell[][] }
  | { kind: 'fields'; rows: [string, Cell][] }
  | { kind: 'gap' };

export const line = (...cells: Cell[]): Block => ({ kind: 'line', cells });
export const table = (head: string[], rows: Cell[][]): Block => ({ kind: 'table', head, rows });
/** Rows without a value are left out. */
export const fields = (rows: [string, Cell | undefined][]): Block => ({
  kind: 'fields',
  rows: rows.filter((row): row is [string, Cell] => row[1] !== undefined && row[1] !== ''),
});
export const gap: Block = { kind: 'gap' };

const STYLES = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim', strong: 'bold' } as const;

/** Aligned text. What others wrote (names, reasons) cannot move the cursor, colour the screen or turn the writing. */
export function render(blocks: readonly Block[], colour: boolean): string {
  return blocks.map((block) => renderBlock(block, colour)).join('');
}

/** One line of other people's text, without control, direction and invisible characters. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}

function renderBlock(block: Block, colour: boolean): string {
  switch (block.kind) {
    case 'gap':
      return '\n';
    case 'line':
      return `${block.cells.map((cell) => paint(cell, colour)).join(' ')}\n`;
    case 'fields': {
      const width = Math.max(0, ...block.rows.map(([label]) => label.length));
      return block.rows
        .map(([label, cell]) => `${paint({ text: label.padEnd(width), tone: 'dim' }, colour)}  ${paint(cell, colour)}\n`)
        .join('');
    }
    case 'table': {
      const head: Cell[] = block.head.map((text) => ({ text, tone: 'dim' }));
      return align([head, ...block.rows], colour);
    }
  }
}

function align(rows: Cell[][], colour: boolean): string {
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  return rows
    .map((row) => {
      const filled = row.findLastIndex((cell) => width(cell) > 0);
      const cells = row.slice(0, filled + 1).map((cell, column) => {
        const fill = column === filled ? 0 : (widths[column] ?? 0) - width(cell);
        return paint(cell, colour) + ' '.repeat(fill);
      });
      return `${cells.join('  ')}\n`;
    })
    .join('');
}

const textOf = (cell: Cell): string => plain(typeof cell === 'string' ? cell : cell.text);
const width = (cell: Cell): number => [...textOf(cell)].length;

function paint(cell: Cell, colour: boolean): string {
  const text = textOf(cell);
  return colour && typeof cell !== 'string' && text ? styleText(STYLES[cell.tone], text, { validateStream: false }) : text;
}
