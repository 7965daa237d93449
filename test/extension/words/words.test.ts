import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { headline } from '../../../extension/words/headline.ts';
import { plainMarkdown } from '../../../extension/words/markdown.ts';
import { decidedBy, listed } from '../../../extension/words/people.ts';
import { timeWords } from '../../../extension/words/time.ts';
import { ALICE, BEN, daemonState, NOON } from '../../daemon/cli/estate.ts';
import { view } from '../views.ts';

describe('words', () => {
  it('say the day of a time that is not today', () => {
    const time = timeWords('UTC');
    assert.equal(time.at(NOON + 7_200_000, NOON), '14:00');
    assert.equal(time.at(NOON + 86_400_000, NOON), 'Tue 12:00');
  });

  it('say who must decide', () => {
    assert.equal(decidedBy(undefined), 'an approver');
    assert.equal(decidedBy({ needed: 1, people: [BEN] }), 'Ben Okafor');
    assert.equal(decidedBy({ needed: 1, people: [ALICE, BEN] }), 'Alice Novak or Ben Okafor');
    assert.equal(decidedBy({ needed: 2, group: 'network-owners', people: [ALICE, BEN] }), '2 of network-owners');
    assert.equal(decidedBy({ needed: 1, group: 'network-owners', people: [] }), 'someone of network-owners');
    assert.equal(listed(['a', 'b', 'c', 'd']), 'a, b and 2 more');
  });

  it('say who you are, or what is wrong', () => {
    assert.equal(headline(view()), 'Alice Novak · Azure CLI');
    const two = daemonState({
      signIns: [
        { to: 'azure', state: 'signed in', person: ALICE, by: 'VS Code' },
        { to: 'central', state: 'signed in', person: BEN, by: 'browser' },
      ],
    });
    assert.equal(headline(view([], [], { state: two })), 'Alice Novak · VS Code and Ben Okafor · browser');
    // Central met a person whose sign-in it found another way, and said so first.
    const one = daemonState({
      signIns: [
        { to: 'central', state: 'signed in', person: ALICE, by: 'default credential' },
        { to: 'azure', state: 'signed in', person: ALICE, by: 'Azure CLI' },
      ],
    });
    assert.equal(headline(view([], [], { state: one })), 'Alice Novak · Azure CLI');
    assert.match(headline(view([], [], { link: { state: 'lost', why: 'closed' } })) ?? '', /^Access state unknown/);
    const asking = daemonState({ central: { state: 'connecting', since: NOON } });
    assert.match(headline(view([], [], { state: asking, heldBefore: true })) ?? '', /Alice Novak.*access state unknown: asking central/);
    assert.match(headline(view([], [], { state: daemonState({ heldUnknown: 'the journal' }) })) ?? '', /before is not known: the journal/);
    assert.match(headline(view([], [], { state: daemonState({ unhealthy: 'disk full' }) })) ?? '', /no new access: disk full/);
  });

  it('of others make no markup in a tooltip', () => {
    const tricky = [
      '# a',
      '![x](https://evil.test/p.png)',
      '[run](command:portcullis.revokeAll)',
      '<img src=x onerror=1>',
      '$(flame)',
      '`a` *b* _c_ | d',
      '> q',
      '1. x',
      'a\n\n---\nb',
    ];
    for (const line of tricky) {
      const markdown = plainMarkdown(['Heading', line]).split('  \n').slice(1).join('  \n');
      assert.doesNotMatch(markdown, /(?<!\\)[[\]()<>!`*_#|$~]/, line);
      assert.doesNotMatch(markdown, /\n/, line);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (line) => {
        const [, ...rest] = plainMarkdown(['h', line]).split('  \n');
        assert.doesNotMatch(rest.join(' ').replaceAll(/\\[!-/:-@[-`{-~]/g, ''), /[!-/:-@[-`{-~]/);
      }),
    );
  });
});
