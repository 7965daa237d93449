import { spawn } from 'node:child_process';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { keptOf } from '../../daemon/central/lease.ts';
import { takeLease } from '../../daemon/central/lease-step.ts';
import { openWire } from '../../daemon/cli/wire.ts';
import { isAlive, readEntry } from '../../daemon/door/entry-file.ts';
import { Leases } from '../../daemon/journal/leases.ts';
import { openJournal } from '../../daemon/journal/open.ts';
import { connect } from '../../protocol/client.ts';
import { HOUR } from '../../protocol/clock.ts';
import { type Places, places } from '../../protocol/places.ts';
import { DAEMON_FLAGS, daemonEnvironment } from '../../protocol/spawn.ts';
import { grantOf } from '../../test/support/audit-events.ts';
import { machineClock } from '../central.ts';

const PATIENCE = 60_000;

/** A home of its own for one daemon, enrolled with a central that nobody runs. */
export class Home {
  readonly #home: string;
  readonly #places: Places;
  readonly #clock = machineClock();

  constructor(home: string) {
    this.#home = home;
    this.#places = places({ platform: process.platform, home });
    // An `az` that knows nobody: no daemon asks this machine for a person.
    const bin = path.join(home, 'bin');
    for (const folder of [bin, path.dirname(this.#places.enrolmentFile), this.#places.stateDir]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    writeFileSync(path.join(bin, 'az'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const enrolment = { central: { url: 'https://127.0.0.1:9', signIn: 'browser' }, authorities: ['central'] };
    writeFileSync(this.#places.enrolmentFile, JSON.stringify(enrolment), { mode: 0o600 });
  }

  /** Its journal says that so many leases are held. */
  hold(count: number): this {
    const journal = openJournal(path.join(this.#places.stateDir, 'journal.db'), this.#clock.now());
    const leases = new Leases(journal, this.#clock, undefined);
    journal.exec('BEGIN');
    for (let n = 1; n <= count; n++) {
      const notAfter = this.#clock.now() + HOUR;
      const { lease } = takeLease(grantOf(n, { notAfter }), { actions: ['Microsoft.Network/loadBalancers/write'] });
      if (lease) leases.put('central', lease.grant.id, keptOf(lease), notAfter);
    }
    journal.exec('COMMIT');
    journal.close();
    return this;
  }

  /** Runs the daemon until the work is done, which begins when its door has answered with the whole state. */
  async run<T>(script: string, work: (pid: number) => Promise<T>): Promise<T> {
    const env = daemonEnvironment(
      { HOME: this.#home, PATH: `${path.join(this.#home, 'bin')}:/usr/bin:/bin`, LANG: 'C.UTF-8' },
      process.platform,
    );
    const child = spawn(process.execPath, [...DAEMON_FLAGS, script, 'daemon'], { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      await this.#answer(child.pid ?? 0);
      return await work(child.pid ?? 0);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  async #answer(pid: number): Promise<void> {
    const uid = process.geteuid?.();
    const limit = performance.now() + PATIENCE;
    for (;;) {
      const entry = readEntry(this.#places.entryFile, uid, isAlive);
      const wire = entry?.pid === pid ? await openWire(entry.socket, this.#clock) : undefined;
      if (entry && wire) {
        const client = await connect({
          wire,
          entry,
          clock: this.#clock,
          hmac: (secret, text) => createHmac('sha256', Buffer.from(secret, 'hex')).update(text).digest('hex'),
          same: (a, b) => timingSafeEqual(Buffer.from(a), Buffer.from(b)),
          nonce: () => randomBytes(32).toString('hex'),
          client: { name: 'bench', version: '1', kind: 'terminal' },
        });
        client.close();
        return;
      }
      if (performance.now() > limit) throw new Error('The daemon did not answer');
      await wait(2);
    }
  }
}
