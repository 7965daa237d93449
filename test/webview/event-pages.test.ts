import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditEvent } from '../../protocol/audit.ts';
import { EventPages, keyOf } from '../../webview/event-pages.ts';
import { many } from '../support/audit-events.ts';

/** Answers as the daemon would, from a record that grows. */
const page = (record: AuditEvent[], offset: number, limit: number) => {
  const end = Math.max(0, record.length - offset);
  return record.slice(Math.max(0, end - limit), end).reverse();
};
const load = (pages: EventPages, record: AuditEvent[], first: number, end: number) => {
  for (let asked = 0; asked < 10; asked++) {
    const wanted = pages.wanted(first, end);
    if (!wanted) return;
    assert.ok(wanted.limit >= 1 && wanted.limit <= 200 && wanted.offset >= 0);
    pages.put(wanted.offset, record.length, page(record, wanted.offset, wanted.limit));
  }
  assert.fail('asks for ever');
};

test('every row shown is the event that belongs there, however the record grows and whatever is scrolled to', () => {
  const whole = many(9_000);
  const step = fc.oneof(
    fc.record({ do: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ do: fc.constant('scroll' as const), to: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant('follow' as const) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000 }), fc.array(step, { maxLength: 40 }), (start, steps) => {
      let length = start;
      const record = () => whole.slice(0, length);
      const pages = new EventPages();
      pages.push(length, page(record(), 0, 60));
      for (const act of steps) {
        if (act.do === 'grow') {
          length = Math.min(whole.length, length + act.by);
          assert.equal(pages.push(length, page(record(), 0, 60)), false);
        } else if (act.do === 'follow') pages.follow();
        else {
          const first = Math.floor(act.to * Math.max(0, pages.shown - 40));
          const end = Math.min(pages.shown, first + 40);
          load(pages, record(), first, end);
          for (let row = first; row < end; row++) assert.equal(pages.at(row)?.seq, pages.shown - row);
        }
        assert.equal(pages.shown + pages.fresh, length);
        assert.ok(pages.held <= 2_000, `${pages.held} rows are held`);
      }
    }),
    { numRuns: 60 },
  );
});

test('what one reads does not move when events come, until one follows', () => {
  const record = many(1_000);
  const pages = new EventPages();
  pages.push(500, page(record.slice(0, 500), 0, 60));
  const read = pages.at(3);
  pages.push(512, page(record.slice(0, 512), 0, 60));
  assert.equal(pages.fresh, 12);
  assert.equal(pages.at(3), read);
  pages.follow();
  assert.equal(pages.fresh, 0);
  assert.equal(pages.at(15) && keyOf(pages.at(15) as AuditEvent), read && keyOf(read));
});

test('an answer that is older than what was pushed meanwhile still lands in its place', () => {
  const record = many(1_000);
  const pages = new EventPages();
  pages.push(900, page(record.slice(0, 900), 0, 60));
  const wanted = pages.wanted(300, 320);
  assert.ok(wanted);
  const answer = page(record.slice(0, 900), wanted.offset, wanted.limit);
  pages.push(950, page(record.slice(0, 950), 0, 60));
  pages.put(wanted.offset, 900, answer);
  assert.equal(pages.at(310)?.seq, 900 - 310);
  assert.equal(pages.fresh, 50);
});

test('an event recorded late, or a smaller record, makes all be read anew', () => {
  const record = many(400);
  const pages = new EventPages();
  pages.push(300, page(record.slice(0, 300), 0, 60));
  load(pages, record.slice(0, 300), 0, 300);
  const late = { ...record[399], source: 'daemon', seq: 1 } as AuditEvent;
  const shifted = [...record.slice(0, 290), late, ...record.slice(290, 300)];
  assert.equal(pages.push(301, page(shifted, 0, 60)), true);
  pages.follow();
  load(pages, shifted, 0, 301);
  assert.equal(pages.at(10)?.source, 'daemon');
  assert.equal(pages.at(100)?.seq, 201);
  assert.equal(pages.push(20, page(record.slice(0, 20), 0, 60)), true);
  assert.equal(pages.shown, 20);
  assert.equal(pages.at(0)?.seq, 20);
  assert.equal(pages.at(20), undefined);
});
