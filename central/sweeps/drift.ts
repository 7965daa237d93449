import type { DirectRight, StandingRights } from '../../cloud/provider.ts';
import type { Clock } from '../../protocol/clock.ts';
import type { GrantRunner } from '../grants/runner.ts';
import { stamp } from '../record/body.ts';
import type { Store } from '../store/store.ts';
import { grantedRight, rightOf } from './right.ts';

export interface DriftParts {
  granting: Pick<StandingRights, 'direct'>;
  runner: Pick<GrantRunner, 'standing'>;
  store: Pick<Store, 'findings' | 'write'>;
  clock: Clock;
}

/**
 * Rights on balancers that nobody granted here: told once each, never removed. Told when they are seen for the second
 * time, for the cloud's lists show a right for minutes after its end.
 */
export class Drift {
  readonly #parts: DriftParts;
  #seen: ReadonlySet<string> = new Set();

  constructor(parts: DriftParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { granting, runner, store, clock } = this.#parts;
    const told = await store.findings();
    const granted = new Set(runner.standing.map(grantedRight));
    const seen = new Set<string>();
    for await (const right of granting.direct(signal)) {
      if (granted.has(rightOf({ ...right, roleId: right.role }))) continue;
      seen.add(right.id);
      if (told.has(right.id) || !this.#seen.has(right.id)) continue;
      await store.write(async (tx) => {
        await tx.append({ ...stamp(clock, 'drift.found', textOf(right)), data: { ...right } });
        await tx.putFinding(right.id, clock.now());
      });
    }
    this.#seen = seen;
    // One that comes back is told again.
    const over = [...told].filter((id) => !seen.has(id));
    if (over.length > 0) await store.write((tx) => tx.dropFindings(over));
  }
}

const textOf = ({ principalId, role, resource }: DirectRight): string =>
  `${principalId} holds "${role}" on ${resource.split('/').at(-1)} by an assignment that was not made here`;
