import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inView, reveal, rowAfter, scrolled, TALLEST, toReal, toScroll } from '../../webview/virtual-window.ts';

const geometry = fc.record({
  rows: fc.integer({ min: 0, max: 5_000_000 }),
  rowHeight: fc.constantFrom(20, 22, 30),
  view: fc.integer({ min: 0, max: 2_000 }),
});
const part = fc.double({ min: 0, max: 1, noNaN: true });

test('whatever the scroll position, the rows in view fill the box and lie within the list', () => {
  fc.assert(
    fc.property(geometry, part, fc.integer({ min: 0, max: 10 }), (g, at, more) => {
      const top = toReal(at * Math.max(0, scrolled(g) - g.view), g);
      const { first, end } = inView(top, g, more);
      assert.ok(first >= 0 && end <= g.rows && first <= end);
      const bottom = Math.min(top + g.view, g.rows * g.rowHeight);
      if (g.rows > 0 && g.view > 0) assert.ok(first * g.rowHeight <= top && end * g.rowHeight >= bottom);
      assert.ok((end - first) * g.rowHeight <= g.view + (2 * more + 2) * g.rowHeight, 'no more rows than needed');
    }),
  );
});

test('both ends of the scroll bar are both ends of the list, and its height stays below what browsers allow', () => {
  fc.assert(
    fc.property(geometry, (g) => {
      assert.ok(scrolled(g) <= TALLEST);
      assert.equal(toReal(0, g), 0);
      const end = toReal(Math.max(0, scrolled(g) - g.view), g);
      assert.ok(Math.abs(end - Math.max(0, g.rows * g.rowHeight - g.view)) < 1);
    }),
  );
});

test('a place among the rows survives the way to the scroll bar and back', () => {
  fc.assert(
    fc.property(geometry, part, (g, at) => {
      const top = at * Math.max(0, g.rows * g.rowHeight - g.view);
      assert.ok(Math.abs(toReal(toScroll(top, g), g) - top) < 0.01);
    }),
  );
});

test('a revealed row is wholly in view, and nothing moves when it was already', () => {
  fc.assert(
    fc.property(geometry, part, part, (g, at, which) => {
      fc.pre(g.rows > 0 && g.view >= g.rowHeight);
      const top = at * Math.max(0, g.rows * g.rowHeight - g.view);
      const row = Math.floor(which * (g.rows - 1));
      const to = reveal(row, top, g);
      assert.ok(row * g.rowHeight >= to - 1e-6 && (row + 1) * g.rowHeight <= to + g.view + 1e-6);
      assert.equal(reveal(row, to, g), to);
    }),
  );
});

test('keys lead to a row of the list, and other keys lead nowhere', () => {
  const keys = fc.constantFrom('ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End');
  fc.assert(
    fc.property(geometry, part, keys, (g, which, key) => {
      fc.pre(g.rows > 0);
      const to = rowAfter(key, Math.floor(which * (g.rows - 1)), g);
      assert.ok(to !== undefined && to >= 0 && to < g.rows);
    }),
  );
  const g = { rows: 100, rowHeight: 22, view: 220 };
  assert.equal(rowAfter('ArrowDown', 99, g), 99);
  assert.equal(rowAfter('PageDown', 0, g), 9);
  assert.equal(rowAfter('End', 3, g), 99);
  for (const key of ['a', 'Tab', 'constructor', '__proto__', 'toString']) assert.equal(rowAfter(key, 3, g), undefined);
  assert.equal(rowAfter('ArrowDown', 0, { ...g, rows: 0 }), undefined);
});
