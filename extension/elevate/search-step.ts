import { ThemeIcon } from 'vscode';
import type { LoadBalancer } from '../../protocol/model.ts';
import { type Choice, type List, line, pick } from '../quick/pick.ts';
import type { StepEnd, StepPlace } from '../quick/steps.ts';
import type { Draft, ElevateParts } from './elevate.ts';

const SHOWN = 100;

/** Asks for the load balancer, by search: there may be thousands. */
export function searchStep(parts: ElevateParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  let latest = '';
  async function search(value: string, list: List<LoadBalancer>): Promise<void> {
    latest = value;
    list.busy(true);
    try {
      const { balancers, more } = await parts.ask('inventory.find', { text: value.trim(), limit: SHOWN });
      if (latest !== value) return;
      const rows: Choice<LoadBalancer>[] = balancers.map(choice);
      if (more) rows.push(line('More match: keep typing', 'ellipsis'));
      if (rows.length === 0) rows.push(line('No load balancer matches', 'info'));
      list.show(rows);
    } catch (error) {
      if (latest === value) list.show([line(error instanceof Error ? error.message : 'Search failed', 'error')]);
    } finally {
      if (latest === value) list.busy(false);
    }
  }
  return pick<LoadBalancer>({
    title: 'Elevate',
    place,
    placeholder: 'Search load balancers by name, group, tag or id',
    fill: (list) => search('', list),
    onValue: (value, list) => void search(value, list),
    accept: (balancer) => {
      draft.resource = { id: balancer.id, name: balancer.name, balancerName: balancer.name };
      return 'next';
    },
  });
}

const choice = (balancer: LoadBalancer): Choice<LoadBalancer> => ({
  label: balancer.name,
  description: `${balancer.resourceGroup} · ${balancer.location}`,
  iconPath: new ThemeIcon(balancer.kind === 'load-balancer' ? 'type-hierarchy' : 'layers'),
  // The daemon has matched it already, perhaps by a tag that is not shown.
  alwaysShow: true,
  value: balancer,
});
