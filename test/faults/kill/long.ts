// The long form of the kill -9 harness: `node test/faults/kill/long.ts [--kills 10000] [--seed N]`, in rounds with a cloud and stores of their own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { endProcessesOf } from '../../../scripts/host/processes.ts';
import { campaign, reportLines } from './campaign.ts';

/** The simulated cloud looks through all that it ever gave: it must not grow for ever. */
const KILLS_PER_ROUND = 1_000;

const { values } = parseArgs({ options: { kills: { type: 'string', default: '10000' }, seed: { type: 'string' } } });
const total = Number(values.kills);
const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));

let [kills, problems, standing, given, unheard] = [0, 0, 0, 0, 0];
for (let round = 0; kills < total; round++) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pc-'));
  const seed = first + round;
  const report = await campaign({ folder, kills: Math.min(KILLS_PER_ROUND, total - kills), centrals: 3, daemons: 3, pairs: 2, seed });
  console.log([`round ${round + 1}, seed ${seed}`, ...reportLines(report), ...report.problems].join('\n  '));
  await endProcessesOf(folder);
  // What a failed round wrote down is evidence.
  if (report.problems.length === 0) rmSync(folder, { recursive: true, force: true });
  else console.log(`  kept ${folder}`);
  if (report.tally.kills === 0) throw new Error('Nothing could be started');
  kills += report.tally.kills;
  problems += report.problems.length;
  standing += report.tally.standing;
  given += report.tally.given;
  unheard += report.tally.unheard;
}
console.log(`${kills} kills, ${given} rights given, ${unheard} of them unheard: ${standing} stand, ${problems} problems`);
process.exit(problems === 0 && standing === 0 ? 0 : 1);
