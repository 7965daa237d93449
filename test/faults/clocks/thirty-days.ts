// Run as a process of its own under a moved clock: a deadline in thirty days, which is more than a timer of Node can hold.
import { uptime } from 'node:os';
import { HOUR, SECOND, systemClock } from '../../../protocol/clock.ts';
import { Deadlines } from '../../../protocol/deadlines.ts';

const clock = systemClock(() => uptime() * SECOND);
const deadlines = new Deadlines<string>(clock, (key, at) => {
  process.stdout.write(`${key} ${clock.now() - at}\n`);
  deadlines.close();
});
deadlines.set('due', clock.now() + 30 * 24 * HOUR);
process.stdout.write('set\n');
