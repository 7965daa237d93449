import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditEvent, canonicalJson, chain, firstBroken, NO_EVENT_BEFORE } from '../../protocol/audit.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function chainOf(texts: string[]): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const [at, text] of texts.entries()) {
    events.push(
      chain(
        { kind: 'daemon.started', at: at * 10, boot: at, text },
        { source: 's', seq: at + 1, prev: events.at(-1)?.hash ?? NO_EVENT_BEFORE },
        sha256,
      ),
    );
  }
  return events;
}
const texts = fc.array(fc.string({ maxLength: 20 }), { minLength: 2, maxLength: 12 });

test('a chain that was written verifies, also from its middle, and after a trip through JSON', () => {
  fc.assert(
    fc.property(texts, fc.nat(11), (all, from) => {
      const events = chainOf(all);
      assert.equal(firstBroken(events, sha256), undefined);
      assert.equal(firstBroken(events.slice(from % all.length), sha256), undefined);
      assert.equal(firstBroken(JSON.parse(JSON.stringify(events)) as AuditEvent[], sha256), undefined);
    }),
  );
});

test('each edit, deletion, insertion and swap is found at the first wrong event', () => {
  fc.assert(
    fc.property(texts, fc.nat(), fc.constantFrom('edit', 'delete', 'insert', 'swap', 'reseal'), (all, pick, how) => {
      const events = chainOf(all);
      const at = pick % (events.length - 1);
      const hit = events[at] as AuditEvent;
      const next = events[at + 1] as AuditEvent;
      const tampered = [...events];
      if (how === 'edit') tampered[at] = { ...hit, text: `${hit.text}!` };
      if (how === 'delete') tampered.splice(at === 0 ? 1 : at, 1);
      if (how === 'insert') tampered.splice(at, 0, { ...hit });
      if (how === 'swap') tampered.splice(at, 2, next, hit);
      // An event that is edited and hashed anew no longer fits the one after it.
      if (how === 'reseal') tampered[at] = chain({ kind: 'daemon.started', at: hit.at, boot: hit.boot, text: `${hit.text}!` }, hit, sha256);
      if (how === 'delete' && at <= 1 && events.length === 2) return;
      assert.notEqual(firstBroken(tampered, sha256), undefined, how);
    }),
  );
});

test('canonical JSON: the same bytes whatever the order of members, and the same value when read', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(shuffled(value)), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
  assert.equal(canonicalJson({ b: undefined, a: 1 }), '{"a":1}');
});
