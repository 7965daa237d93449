import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as v from 'valibot';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { DaemonState } from '../../../protocol/state.ts';
import { seededRandom } from '../../clouds/azure/random.ts';
import { BALANCER, ROLE } from '../../daemon/support/cloud.ts';
import { startStage } from '../../daemon/support/stage.ts';
import { damaged } from './mutations.ts';

const ROUNDS = 150;
const LAST_DATE = 8.64e15;

/** Each number of the body as each of those that timers and dates stumble over. */
const numbersChanged = (body: string): string[] =>
  [...body.matchAll(/"(\w+)":(\d+)/g)].flatMap(({ 0: whole, 1: name }) =>
    ['1e999', '-1e999', '1e308', '-1', '0', '0.5', '9007199254740993', 'null'].map((number) => body.replace(whole, `"${name}":${number}`)),
  );

test('whatever stands in the row of a lease, the next daemon starts, says so or goes on, and can still be asked', async (t) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}: SEED=${seed} repeats it`);
  const stage = await startStage(t);
  stage.pim.onActivate = () => {
    stage.cloud.power = true;
  };
  const client = await stage.client();
  const params = { resourceId: BALANCER, roleId: ROLE.id, authority: 'pim' as const, duration: 30 * MINUTE };
  assert.ok((await client.call('request', { ...params, reason: 'INC-1', idempotencyKey: randomUUID() })).ok);
  await stage.clock.advance(SECOND);
  const db = new DatabaseSync(path.join(stage.dir, 'journal.db'));
  t.after(() => db.close());
  const [row] = db.prepare('SELECT grant_id, body FROM lease').all();
  const good = Buffer.from(String(row?.['body']));
  const put = db.prepare('UPDATE lease SET body = ?, ended_at = NULL WHERE grant_id = ?');
  let understood = 0;
  let refused = 0;
  const bodies = [
    ...Array.from({ length: ROUNDS }, (_, round) => damaged(seededRandom(Math.imul(seed, 0x9e3779b1) ^ round), good).toString('latin1')),
    ...numbersChanged(good.toString()),
  ];
  for (const [round, body] of bodies.entries()) {
    put.run(body, String(row?.['grant_id']));
    const before = stage.log.lines.length;
    await stage.restart();
    const now = await stage.client('terminal');
    const told = `round ${round} of seed ${seed}`;
    assert.ok(v.is(DaemonState, now.state), told);
    const said = stage.log.lines.slice(before);
    if (said.some(({ event }) => event === 'lease not understood')) refused += 1;
    else understood += 1;
    const mistakes = said.filter(({ event }) => event === 'bug' || event === 'journal unhealthy' || event === 'change does not fit');
    assert.deepEqual(mistakes, [], told);
    for (const { notAfter } of Object.values(now.state.grants)) assert.ok(notAfter <= LAST_DATE, told);
    await now.call('audit.facets', {});
    now.close();
  }
  t.diagnostic(`${understood} understood, ${refused} refused`);
  assert.ok(understood > 0 && refused > 0);
  put.run(good.toString(), String(row?.['grant_id']));
});
