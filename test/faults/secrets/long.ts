// The long form: `npm run faults -- secrets`. Whole lives one after another: what a collector of garbage leaves differs from run to run.
import assert from 'node:assert/strict';
import { Endings } from '../../../scripts/endings.ts';
import { judgeLife } from './judge.ts';
import { live } from './life.ts';

const LIVES = Number(process.env['LIVES'] ?? 10);

const worst = { cli: 0, session: 0 };
try {
  for (let number = 1; number <= LIVES; number++) {
    const endings = new Endings((message) => console.error(message));
    try {
      const life = await live({ after: (end: () => unknown) => void endings.add(end) });
      judgeLife(life);
      console.log(`life ${number}: ${life.sinks.length} sinks clean; copies in the daemon ${JSON.stringify(life.copies)}`);
      worst.cli = Math.max(worst.cli, life.copies?.cli.signedOut ?? 0);
      worst.session = Math.max(worst.session, life.copies?.session.signedOut ?? 0);
    } finally {
      await endings.run();
    }
  }
  console.log(
    `${LIVES} lives, 0 leaks; left in the daemon's memory at most ${worst.cli} copies of the CLI's tokens, ${worst.session} of the session's`,
  );
} catch (error) {
  if (error instanceof assert.AssertionError) console.error(error.message);
  else console.error(error);
  process.exitCode = 1;
}
