import { answer } from '../contestant.ts';
import { fineClock, instants, type Lateness, LEAD, type Plan, sweepGarbage } from './plan.ts';

/** What comes to mind first: a `setTimeout` for each lease. Node rounds, so many fire before they are due. */
await answer(async (plan: Plan): Promise<Lateness> => {
  const fine = fineClock();
  const late: number[] = [];
  await new Promise<void>((resolve) => {
    for (const at of instants(plan, Date.now() + LEAD)) {
      setTimeout(() => {
        if (late.push(fine() - at) === plan.count) resolve();
      }, at - Date.now());
    }
    sweepGarbage();
  });
  return { late, missing: 0 };
});
