import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Remembered } from '../../../extension/elevate/remembered.ts';
import { type Chosen, inShort, type ReviewLine, review } from '../../../extension/elevate/review.ts';
import { ask, type StepEnd } from '../../../extension/quick/steps.ts';
import { timeWords } from '../../../extension/words/time.ts';
import { BACKENDS, EDGE, NOON, PREVIEW, refOf, WEB } from '../../daemon/cli/estate.ts';

const time = timeWords('UTC');
const CHOSEN: Chosen = { resource: refOf(EDGE, WEB), role: BACKENDS, duration: 15 * 60_000, reason: 'Drain web-3', ticket: 'OPS-1' };

const text = (lines: ReviewLine[]) => lines.map((line) => [line.label, 'detail' in line ? line.detail : ''].join(' ')).join('\n');
const acts = (lines: ReviewLine[]) => lines.flatMap((line) => (line.kind === 'act' ? [line.act] : []));

describe('the review', () => {
  it('shows everything the policy says before the person commits', () => {
    const lines = review(CHOSEN, PREVIEW, NOON, time);
    const { headline, decision, actions, warnings } = PREVIEW;
    for (const part of [
      headline,
      decision.because,
      ...decision.wouldChange,
      ...decision.rules,
      ...actions,
      ...warnings,
      'Ben Okafor until 12:10',
      'Drain web-3',
      'OPS-1',
      'Native',
    ])
      assert.ok(text(lines).includes(part), part);
    assert.deepEqual(acts(lines), ['request']);
    assert.match(text(lines), /Request access Backend members on web of prod-edge for 15 minutes, after approval by Ben Okafor/);
  });

  it('says that a guarded role is not the cloud’s own', () => {
    assert.match(
      text(review({ ...CHOSEN, role: { ...BACKENDS, enforcement: 'guarded' } }, PREVIEW, NOON, time)),
      /Guarded: Portcullis makes the change/,
    );
  });

  it('does not offer to request what would be refused', () => {
    const refused = { ...PREVIEW, outcome: 'refused' as const, headline: 'Refused: at most 45 minutes' };
    assert.deepEqual(acts(review(CHOSEN, refused, NOON, time)), ['back']);
    assert.equal(inShort(refused), 'Refused: at most 45 minutes 15 minutes or less would be granted at once');
  });

  it('shows a refusal at its top with the way out, and lets the person change what they ask', () => {
    const lines = review(CHOSEN, PREVIEW, NOON, time, {
      code: 'refused-by-policy',
      message: 'Frozen until Monday',
      wayOut: 'Ask the change manager.',
    });
    assert.match(text(lines.slice(0, 2)), /Frozen until Monday Ask the change manager/);
    assert.deepEqual(acts(lines), ['request', 'back']);
  });
});

describe('the steps', () => {
  const scripted = (ends: StepEnd[]) => {
    const asked: string[] = [];
    const step =
      (name: string) =>
      async ({ step, totalSteps, back }: { step: number; totalSteps: number; back: boolean }) => {
        asked.push(`${name} ${step}/${totalSteps}${back ? ' back' : ''}`);
        return ends.shift() ?? 'cancel';
      };
    return { asked, step };
  };

  it('go on, go back, and say where they stand', async () => {
    const { asked, step } = scripted(['next', 'back', 'next', 'next']);
    assert.equal(await ask(() => [step('a'), step('b')]), true);
    assert.deepEqual(asked, ['a 1/2', 'b 2/2 back', 'a 1/2', 'b 2/2 back']);
  });

  it('stop on escape, and ask a step that was added in between', async () => {
    const { asked, step } = scripted(['next', 'again', 'next', 'cancel']);
    assert.equal(await ask(() => [step('a'), ...(asked.length > 1 ? [step('ticket')] : []), step('review')]), false);
    assert.deepEqual(asked, ['a 1/2', 'review 2/2 back', 'ticket 2/3 back', 'review 3/3 back']);
  });
});

describe('what was asked last', () => {
  it('is remembered by resource, for the 200 latest, and nothing else is believed', async () => {
    const stored = new Map<string, unknown>();
    const remembered = new Remembered({ get: (key) => stored.get(key), update: async (key, value) => void stored.set(key, value) });
    assert.equal(remembered.last('a'), undefined);
    for (let n = 0; n < 250; n++) await remembered.remember({ resourceId: `r${n}`, roleId: 'backends', authority: 'central', duration: n });
    await remembered.remember({ resourceId: 'r249', roleId: 'probes', authority: 'pim', duration: 5 });
    assert.deepEqual(remembered.last('r249'), { resourceId: 'r249', roleId: 'probes', authority: 'pim', duration: 5 });
    assert.deepEqual([remembered.last('r49'), remembered.last('r51')?.duration], [undefined, 51]);
    stored.set('portcullis.last', [{ resourceId: 1 }]);
    assert.equal(remembered.last('r249'), undefined);
  });
});
