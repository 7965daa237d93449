import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Ask } from '../../../extension/daemon/ask.ts';
import { grouped, type Node, partNode } from '../../../extension/tree/nodes.ts';
import { TreeSource } from '../../../extension/tree/source.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import type { Account, LoadBalancer, Part } from '../../../protocol/model.ts';
import { no, yes } from '../../../protocol/refusal.ts';
import { ACCOUNT, balancer, EDGE, PARTS } from '../../daemon/cli/estate.ts';

const PAGE = 200;

function estate(count: number): { accounts: Account[]; balancers: LoadBalancer[] } {
  const balancers = Array.from({ length: count }, (_, index) => balancer(`lb-${String(index).padStart(5, '0')}`));
  return { accounts: [{ ...ACCOUNT, balancers: count }], balancers };
}

/** Answers as the daemon would; `asked` counts. */
function answering(
  { accounts, balancers }: ReturnType<typeof estate>,
  parts: () => ReturnType<Ask> = async () => yes({ parts: PARTS }) as never,
) {
  const asked: string[] = [];
  const ask = (async (method: string, params: { cursor?: string; text?: string; limit?: number }) => {
    asked.push(method);
    if (method === 'inventory.accounts') return { accounts };
    if (method === 'inventory.parts') return parts();
    if (method === 'inventory.find') {
      const found = balancers.filter(({ name }) => name.includes(params.text ?? ''));
      return { balancers: found.slice(0, params.limit), more: found.length > (params.limit ?? 0) };
    }
    const from = Number(params.cursor ?? 0);
    const next = from + PAGE < balancers.length ? { next: String(from + PAGE) } : {};
    return { balancers: balancers.slice(from, from + PAGE), ...next };
  }) as Ask;
  return { ask, asked };
}

async function account(source: TreeSource): Promise<Node> {
  const [provider] = await source.children();
  const [found] = await source.children(provider);
  assert.equal(found?.kind, 'account');
  return found as Node;
}

const kinds = (nodes: Node[]) => nodes.map(({ kind }) => kind);

describe('the tree', () => {
  it('is asked for once, when somebody looks', async () => {
    const { ask, asked } = answering(estate(3));
    const source = new TreeSource(ask);
    assert.deepEqual(asked, []);
    const node = await account(source);
    await Promise.all([source.children(node), source.children(node)]);
    assert.deepEqual(asked, ['inventory.accounts', 'inventory.balancers']);
  });

  it('shows 20,000 balancers page by page, each once, and never asks for a page twice', async () => {
    const { ask, asked } = answering(estate(20_000));
    const source = new TreeSource(ask);
    const node = await account(source);
    const start = performance.now();
    let rows = await source.children(node);
    assert.equal(rows.length, PAGE + 1);
    while (rows.at(-1)?.kind === 'more') {
      await source.more(node);
      rows = await source.children(node);
    }
    assert.equal(new Set(rows.map(({ id }) => id)).size, 20_000);
    assert.equal(asked.filter((method) => method === 'inventory.balancers').length, 100);
    assert.ok(performance.now() - start < 5_000);
  });

  it('shows what is true now, also when the editor asked once more below a row of before', async () => {
    let count = 0;
    const ask = (async (method: string) => {
      const { accounts, balancers } = estate(count);
      return method === 'inventory.accounts' ? { accounts } : { balancers };
    }) as Ask;
    const source = new TreeSource(ask);
    const old = await account(source);
    const [oldProvider] = await source.children();
    assert.deepEqual(await source.children(old), []);
    count = 6;
    source.listChanged();
    // VS Code is still at work on the redraw before this one.
    await source.children(oldProvider);
    await source.children(old);
    const now = await account(source);
    assert.equal(now.kind === 'account' && now.account.balancers, 6);
    assert.equal((await source.children(now)).length, 6);
  });

  it('does not keep an answer that a change of the list has overtaken', async () => {
    let count = 1;
    const { promise: hurry, resolve } = Promise.withResolvers<void>();
    const ask = (async (method: string) => {
      const { accounts, balancers } = estate(count);
      if (method === 'inventory.balancers' && count === 1) await hurry;
      return method === 'inventory.accounts' ? { accounts } : { balancers };
    }) as Ask;
    const source = new TreeSource(ask);
    const node = await account(source);
    const late = source.children(node);
    count = 6;
    source.listChanged();
    resolve();
    assert.equal((await late).length, 1);
    assert.equal((await source.children(await account(source))).length, 6);
  });

  it('keeps as many rows after a refresh as were shown before', async () => {
    const { ask } = answering(estate(1_000));
    const source = new TreeSource(ask);
    const node = await account(source);
    await source.children(node);
    await source.more(node);
    source.listChanged();
    assert.equal((await source.children(await account(source))).length, 2 * PAGE + 1);
  });

  it('keeps the ids of its rows over a refresh', async () => {
    const source = new TreeSource(answering(estate(3)).ask);
    const ids = async () => (await source.children(await account(source))).map(({ id }) => id);
    const before = await ids();
    source.refresh();
    assert.deepEqual(await ids(), before);
  });

  it('shows what went wrong as a row, and tries again only when asked to', async () => {
    const trouble = [
      async () => no('unreachable', 'Azure does not answer') as never,
      () => Promise.reject(new Fault('timed-out', 'Not connected')),
    ];
    for (const parts of trouble) {
      let healthy = false;
      const { ask } = answering(estate(1), () => (healthy ? (Promise.resolve(yes({ parts: PARTS })) as never) : parts()));
      const source = new TreeSource(ask);
      const [node] = await source.children(await account(source));
      assert.ok(node);
      assert.deepEqual(kinds(await source.children(node)), ['problem']);
      healthy = true;
      assert.deepEqual(kinds(await source.children(node)), ['problem'], 'an error is not asked again by looking');
      source.retry(node);
      assert.ok((await source.children(node)).every(({ kind }) => kind === 'group'));
    }
  });

  it('shows the last known list together with an account’s problem', async () => {
    const known = estate(2);
    const source = new TreeSource(answering({ ...known, accounts: [{ ...ACCOUNT, problem: 'no access' }] }).ask);
    assert.deepEqual(kinds(await source.children(await account(source))), ['problem', 'balancer', 'balancer']);
  });

  it('filters through the daemon, says when there is more, and comes back whole', async () => {
    const source = new TreeSource(answering(estate(1_000)).ask);
    source.setFilter('  lb-0000 ');
    assert.equal(source.filter, 'lb-0000');
    const node = await account(source);
    assert.equal((await source.children(node)).length, 10);
    source.setFilter('lb');
    assert.deepEqual(kinds(await source.children()), ['provider', 'note']);
    source.setFilter('nothing like this');
    assert.deepEqual(await source.children(), []);
    source.setFilter('');
    assert.equal((await source.children(await account(source))).length, PAGE + 1);
  });

  it('knows the rows it made from everything that only looks like one', async () => {
    const source = new TreeSource(answering(estate(1)).ask);
    const node = await account(source);
    assert.equal(source.owns(node), true);
    for (const forged of [{ ...node }, JSON.parse(JSON.stringify(node)), node.id, undefined, null, Object.create(node)])
      assert.equal(source.owns(forged), false);
  });

  it('loses no part and shows none twice, whatever hangs under what', () => {
    const kindsOfParts = ['frontend', 'backend-pool', 'member', 'probe', 'rule', 'listener', 'certificate'] as const;
    const anyParts = fc.uniqueArray(fc.record({ n: fc.nat(12), kind: fc.constantFrom(...kindsOfParts), parent: fc.option(fc.nat(14)) }), {
      selector: ({ n }) => n,
      maxLength: 12,
    });
    fc.assert(
      fc.property(anyParts, (shapes) => {
        const id = (n: number) => `${EDGE.id}/part/${n}` as ResourceId;
        // A part hangs under an earlier one, under the balancer, or under something that is not there.
        const parts: Part[] = shapes.map(({ n, kind, parent }) => ({
          id: id(n),
          balancerId: EDGE.id,
          parentId: parent === null ? EDGE.id : parent < n || parent > 12 ? id(parent) : EDGE.id,
          kind,
          name: String(n),
          detail: '',
        }));
        const seen: string[] = [];
        const walk = (part: Part): void => {
          seen.push(part.id);
          for (const child of partNode(EDGE, part, parts).children) walk(child);
        };
        for (const group of grouped(EDGE, parts)) if (group.kind === 'group') for (const part of group.parts) walk(part);
        assert.deepEqual(seen.sort(), parts.map((part) => part.id as string).sort());
      }),
    );
  });
});
