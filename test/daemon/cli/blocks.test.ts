import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { type Cell, fields, gap, line, plain, render, table } from '../../../daemon/cli/blocks.ts';

test('columns stand under each other, and a row ends with its last word', () => {
  const text = render(
    [
      table(
        ['NAME', 'STATE'],
        [
          ['prod-edge', { text: 'usable', tone: 'good' }],
          ['x', ''],
          ['ünï', 'ok'],
        ],
      ),
    ],
    false,
  );
  assert.equal(text, 'NAME       STATE\nprod-edge  usable\nx\nünï        ok\n');
});

test('fields leave out what has no value', () => {
  assert.equal(
    render(
      [
        fields([
          ['Name', 'x'],
          ['Ticket', undefined],
          ['Reason', ''],
        ]),
        gap,
        line('done'),
      ],
      false,
    ),
    'Name  x\n\ndone\n',
  );
});

test('colours change nothing but the colour', () => {
  const cell = fc.oneof(
    fc.string(),
    fc.record({ text: fc.string(), tone: fc.constantFrom('good', 'warn', 'bad', 'dim', 'strong') }),
  ) as fc.Arbitrary<Cell>;
  fc.assert(
    fc.property(fc.array(fc.array(cell, { maxLength: 4 }), { maxLength: 5 }), (rows) => {
      const blocks = [table(['A', 'B'], rows)];
      assert.equal(stripVTControlCharacters(render(blocks, true)), render(blocks, false));
    }),
  );
});

test('nothing that others write can move the cursor, colour the screen, turn the writing or start a line', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\u001b[2J',
      '\u001b]8;;http://evil.test\u0007link\u001b]8;;\u0007',
      '\u202egnp.exe',
      'a\r\nGRANT',
      '\u009b31m',
      '\u2066x',
      '\ufeff',
    ),
  );
  fc.assert(
    fc.property(nasty, nasty, (name, reason) => {
      const text = render(
        [table(['NAME', 'REASON'], [[name, { text: reason, tone: 'dim' }]]), line(name), fields([['Reason', reason]])],
        false,
      );
      assert.doesNotMatch(text, /[\p{Cf}\u2028\u2029]/u);
      assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
      assert.ok(text.split('\n').length <= 5);
    }),
  );
  assert.equal(plain('a\u001b[31mb\u0007c'), 'ab\ufffdc');
});
