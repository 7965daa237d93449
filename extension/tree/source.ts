import type { Account, LoadBalancer, Part, ProviderId } from '../../protocol/model.ts';
import type { Ask } from '../daemon/ask.ts';
import { grouped, type Node, type Problem, partNode, refused } from './nodes.ts';

const FOUND_AT_MOST = 200;
const RETRY = 'retry' as const;

interface Pages {
  balancers: LoadBalancer[];
  next: string | undefined;
  problem: string | undefined;
  /** Of the list when they were asked for. Another one since: they are read again, as many rows as were shown. */
  revision: number;
}

/** Rows below a node, with the node that they were made of: a newer one of the same id may say otherwise. */
interface Below {
  node: Node | undefined;
  rows: Promise<Node[]>;
}

/** Where the rows of *Load balancers* come from: asked for when somebody looks, kept until refreshed. Knows no editor. */
export class TreeSource {
  readonly #ask: Ask;
  #filter = '';
  /** What the filter found, for the rows below its accounts. */
  #matched: readonly LoadBalancer[] = [];
  #children = new Map<string, Below>();
  #revision = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #pages = new Map<string, Pages>();
  readonly #parts = new Map<string, Part[]>();
  readonly #issued = new WeakSet<object>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  get filter(): string {
    return this.#filter;
  }

  setFilter(text: string): void {
    this.#filter = text.trim();
    this.#children = new Map();
  }

  /** Whether the tree made this very object: what anybody else passes to a command is not one. */
  owns(value: unknown): value is Node {
    return typeof value === 'object' && value !== null && this.#issued.has(value);
  }

  /** The node as it was last given out. */
  find(id: string): Node | undefined {
    return this.#nodes.get(id);
  }

  /** Parts that are known already, without asking for them. */
  knownParts(balancer: LoadBalancer): readonly Part[] {
    return this.#parts.get(balancer.id) ?? [];
  }

  /** Rows below a node, or the top rows. Never rejects: what went wrong is a row. */
  children(node?: Node | undefined): Promise<Node[]> {
    const key = node?.id ?? '';
    const known = this.#children.get(key);
    // While it redraws, the editor still asks below rows of before. What hangs under a balancer is asked of the daemon by its id alone.
    if (known && (known.node === node || node?.kind === 'balancer')) return known.rows;
    const asked = this.#load(node)
      .catch((error: unknown): Node[] => [problemRow(node, { message: words(error), action: RETRY })])
      .then((nodes) => {
        // An answer that was overtaken by a refresh gives no rows a name that newer ones have.
        if (this.#children.get(key)?.rows === asked) for (const issued of nodes) this.#nodes.set(issued.id, issued);
        for (const issued of nodes) this.#issued.add(issued);
        return nodes;
      });
    this.#children.set(key, { node, rows: asked });
    return asked;
  }

  /** Forgets what hangs under a node, so that it is asked again. */
  retry(node: Node | undefined): void {
    this.#children.delete(node?.id ?? '');
    if (node?.kind === 'account') this.#pages.delete(node.account.id);
    if (node?.kind === 'balancer') this.#parts.delete(node.balancer.id);
  }

  /** The list of balancers changed; the parts that are shown stay. */
  listChanged(): void {
    this.#revision += 1;
    for (const key of this.#children.keys()) if (!/^(balancer|group|part) /.test(key)) this.#children.delete(key);
  }

  /** Everything is asked again. */
  refresh(): void {
    this.listChanged();
    this.#children = new Map();
    this.#parts.clear();
  }

  /** The link to the daemon changed: other answers may come now. */
  reset(): void {
    this.refresh();
    this.#pages.clear();
  }

  /** One more page of an account. */
  async more(parent: Node): Promise<void> {
    const pages = parent.kind === 'account' ? this.#pages.get(parent.account.id) : undefined;
    if (parent.kind !== 'account' || !pages?.next) return;
    await this.#page(parent.account, pages);
    this.#children.delete(parent.id);
  }

  async #load(node: Node | undefined): Promise<Node[]> {
    if (!node) return this.#filter ? this.#found(this.#filter) : this.#accounts();
    switch (node.kind) {
      case 'provider':
        return node.accounts.map((account) => accountNode(account, node.filtered, node.accounts.length === 1));
      case 'account':
        return node.filtered ? this.#matches(node.account) : this.#balancers(node);
      case 'balancer':
        return this.#balancerParts(node);
      case 'group':
        return node.parts.map((part) => partNode(node.balancer, part, this.knownParts(node.balancer)));
      case 'part':
        return node.children.map((part) => partNode(node.balancer, part, this.knownParts(node.balancer)));
      default:
        return [];
    }
  }

  async #accounts(): Promise<Node[]> {
    const { accounts, problem } = await this.#ask('inventory.accounts', {});
    const rows = providers(accounts, false);
    return problem ? [problemRow(undefined, { message: problem, action: RETRY }), ...rows] : rows;
  }

  async #balancers(node: Extract<Node, { kind: 'account' }>): Promise<Node[]> {
    const { account } = node;
    const kept = this.#pages.get(account.id);
    const revision = this.#revision;
    const pages: Pages = kept?.revision === revision ? kept : { balancers: [], next: undefined, problem: undefined, revision };
    if (pages !== kept) {
      // As many rows as were shown before: a refresh must not take away what somebody scrolled to.
      do await this.#page(account, pages);
      while (pages.next && pages.balancers.length < (kept?.balancers.length ?? 0));
      if (revision === this.#revision) this.#pages.set(account.id, pages);
    }
    const rows: Node[] = pages.balancers.map(balancerNode);
    const problem = account.problem ?? pages.problem;
    if (problem) rows.unshift(problemRow(node, { message: problem, action: RETRY }));
    if (pages.next) {
      const total = Math.max(account.balancers, pages.balancers.length);
      rows.push({ kind: 'more', id: `more ${node.id}`, shown: pages.balancers.length, total, parent: node });
    }
    return rows;
  }

  async #page(account: Account, pages: Pages): Promise<void> {
    const cursor = pages.next === undefined ? {} : { cursor: pages.next };
    const page = await this.#ask('inventory.balancers', { provider: account.provider, accountId: account.id, ...cursor });
    pages.balancers.push(...page.balancers);
    pages.next = page.next;
    pages.problem = page.problem;
  }

  async #balancerParts(node: Extract<Node, { kind: 'balancer' }>): Promise<Node[]> {
    const answer = await this.#ask('inventory.parts', { resourceId: node.balancer.id });
    if (!answer.ok) return [problemRow(node, refused(answer.refusal))];
    this.#parts.set(node.balancer.id, answer.value.parts);
    const groups = grouped(node.balancer, answer.value.parts);
    return groups.length > 0 ? groups : [{ kind: 'note', id: `note ${node.id}`, text: 'No parts' }];
  }

  async #found(text: string): Promise<Node[]> {
    const [{ accounts }, { balancers, more }] = await Promise.all([
      this.#ask('inventory.accounts', {}),
      this.#ask('inventory.find', { text, limit: FOUND_AT_MOST }),
    ]);
    this.#matched = balancers;
    const counted = accounts.map((account) => ({ ...account, balancers: balancers.filter(inAccount(account)).length }));
    const rows = providers(
      counted.filter((account) => account.balancers > 0),
      true,
    );
    if (more) rows.push({ kind: 'note', id: 'note more', text: `More than ${balancers.length} match: narrow the filter` });
    return rows;
  }

  async #matches(account: Account): Promise<Node[]> {
    return this.#matched.filter(inAccount(account)).map(balancerNode);
  }
}

const inAccount = (account: Account) => (balancer: LoadBalancer) =>
  balancer.accountId === account.id && balancer.provider === account.provider;

function providers(accounts: Account[], filtered: boolean): Node[] {
  const byProvider = Map.groupBy(accounts, ({ provider }): ProviderId => provider);
  return [...byProvider].map(([provider, own]) => ({ kind: 'provider', id: `provider ${provider}`, provider, accounts: own, filtered }));
}

// A filtered account is another row: it is open, and VS Code remembers by id what somebody closed.
const accountNode = (account: Account, filtered: boolean, alone: boolean): Node => ({
  kind: 'account',
  id: `account ${account.provider} ${account.id}${filtered ? ' filtered' : ''}`,
  account,
  filtered,
  alone,
});

const balancerNode = (balancer: LoadBalancer): Node => ({ kind: 'balancer', id: `balancer ${balancer.id}`, balancer });

const problemRow = (parent: Node | undefined, problem: Problem): Node => ({
  kind: 'problem',
  id: `problem ${parent?.id ?? ''}`,
  problem,
  parent,
});

const words = (error: unknown): string => (error instanceof Error ? error.message : 'Something went wrong');
