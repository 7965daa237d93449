import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ContextKeys, contextOf } from '../../extension/context-keys.ts';
import { COMMANDS, CONTEXT } from '../../extension/contributions.ts';
import { daemonState } from '../daemon/cli/estate.ts';
import { grantNumber, pending, view } from './views.ts';

describe('context keys', () => {
  it('say what is possible now', () => {
    const idle = contextOf(view(), false);
    assert.deepEqual(idle, {
      link: 'connected',
      signedOut: false,
      signedIn: true,
      mayAsk: true,
      holding: false,
      extendable: false,
      waiting: false,
      deciding: false,
      filtered: false,
      listed: true,
    });
    const busy = contextOf(view([grantNumber(1)], [pending({ mayDecide: true })]), true);
    assert.deepEqual([busy.holding, busy.extendable, busy.waiting, busy.deciding, busy.filtered], [true, true, true, true, true]);
  });

  it('say that nothing is possible while contact is lost', () => {
    const lost = contextOf(view([grantNumber(1)], [pending({ mayDecide: true })], { link: { state: 'lost', why: 'closed' } }), false);
    assert.deepEqual([lost.link, lost.holding, lost.extendable, lost.waiting, lost.deciding], ['lost', false, false, false, false]);
  });

  it('do not offer to revoke what is being revoked', () => {
    assert.equal(contextOf(view([grantNumber(1, { state: 'revoking' })]), false).holding, false);
  });

  it('ask to sign in when nobody is signed in to the cloud', () => {
    const out = daemonState({ signIns: [{ to: 'azure', state: 'signed out' }] });
    assert.equal(contextOf(view([], [], { state: out }), false).signedOut, true);
  });

  it('offer no new access to who is signed out, out of contact, or without a record', () => {
    const mayAsk = (more: Parameters<typeof view>[2]) => contextOf(view([], [], more), false).mayAsk;
    assert.equal(mayAsk({ state: daemonState({ signIns: [{ to: 'azure', state: 'signed out' }] }) }), false);
    assert.equal(mayAsk({ state: daemonState({ unhealthy: 'the journal cannot be written' }) }), false);
    assert.equal(mayAsk({ link: { state: 'lost', why: 'closed' } }), false);
    assert.equal(mayAsk({}), true);
  });

  it('are told to the editor only when they differ', () => {
    const told: [string, unknown][] = [];
    const keys = new ContextKeys((key, value) => void told.push([key, value]));
    keys.update(contextOf(view(), false));
    assert.equal(told.length, Object.keys(CONTEXT).length);
    keys.update(contextOf(view(), true));
    assert.deepEqual(told.slice(Object.keys(CONTEXT).length), [[CONTEXT.filtered, true]]);
  });

  it('are the only ones that commands are shown by', () => {
    const known = new Set<string>(Object.values(CONTEXT));
    for (const { id, palette, ...more } of COMMANDS) {
      const clauses = [String(palette), ...('places' in more ? more.places.map(({ when }) => when) : [])];
      for (const key of clauses.join(' ').match(/portcullis\.[A-Za-z]+(?= |$)/g) ?? [])
        if (key !== 'portcullis.balancers' && key !== 'portcullis.approvals') assert.ok(known.has(key), `${id}: ${key}`);
    }
  });
});
