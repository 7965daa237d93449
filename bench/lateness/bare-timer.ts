import { answer } from '../contestant.ts';
import { fineClock, instants, type Lateness, LEAD, type Plan, sweepGarbage } from './plan.ts';

/** The floor: instants in order and one timer for the next one. No store, no second clock, nothing to do when one is due. */
await answer(async (plan: Plan): Promise<Lateness> => {
  const fine = fineClock();
  const due = instants(plan, Date.now() + LEAD).sort((a, b) => a - b);
  const late: number[] = [];
  sweepGarbage();
  await new Promise<void>((resolve) => {
    const tick = () => {
      for (let at = due[late.length]; at !== undefined && at <= Date.now(); at = due[late.length]) late.push(fine() - at);
      const next = due[late.length];
      if (next === undefined) resolve();
      else setTimeout(tick, Math.max(1, next - Date.now()));
    };
    tick();
  });
  return { late, missing: 0 };
});
