import type { Bench } from '../contract.ts';
import { verifyingCost } from './verifying.ts';
import { writingCost } from './writing.ts';

/** What the record costs: to write an event down, and to verify it. */
export const record: Bench = {
  name: 'record',
  run: async (size, say) => {
    say('one recorded event beside one bare durable append');
    const writing = await writingCost(size === 'whole' ? 1_024 : 64);
    say('verification beside bare SHA-256');
    return [writing, verifyingCost(size === 'whole' ? 50_000 : 500)];
  },
};
