import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportFile } from '../../extension/audit/export.ts';
import type { AuditEvent } from '../../protocol/audit.ts';
import { grantId, grantOf, HOSTILE, many, person, recorded, storyBodies } from '../support/audit-events.ts';
import { until } from '../support/until.ts';
import { evaluate, focused, panels, row, rows, scrollTo, texts } from './panels.ts';

const { using, now } = panels();
const HUNDRED_THOUSAND = many(100_000, now);
const fresh = (n: number, count = 1) => recorded(storyBodies(n, Date.now()).slice(0, count), 'central', 200_000 + n * 10);

/** The page has its rows in the order of the eye: it is read in that order. */
async function readInOrder(panel: Parameters<typeof row>[0]): Promise<void> {
  const order = await evaluate<number[]>(
    panel,
    `[...document.querySelectorAll('.tall .row')].map((row) => Number(row.getAttribute('aria-rowindex')))`,
  );
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
    'read in the order of the eye',
  );
}

test('every place of the record can be reached, and shows its own events', async () => {
  await using({ events: HUNDRED_THOUSAND }, async (panel) => {
    await row(panel, 0).waitFor();
    for (const part of [0.25, 0.5, 0.777, 1]) {
      await scrollTo(panel, 2_200_000 * part);
      const index = Math.min(99_999, Math.floor(100_000 * part) + 3);
      await row(panel, index).waitFor();
      const event = HUNDRED_THOUSAND[99_999 - index] as AuditEvent;
      assert.equal(await row(panel, index).locator('.cell').last().textContent(), event.text);
      await readInOrder(panel);
    }
  });
});

test('the keyboard leads through the rows, into the details and back', async () => {
  await using({ events: HUNDRED_THOUSAND }, async (panel) => {
    const { page } = panel;
    await row(panel, 0).waitFor();
    await page.locator('.tall .row[tabindex="0"]').focus();
    assert.equal(await focused(panel), '2');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'PageDown']) await page.keyboard.press(key);
    const paged = Number(await focused(panel));
    assert.ok(paged > 20 && paged < 60, `a page down leads to row ${paged}`);
    await page.keyboard.press('End');
    await until('the last row to have focus', async () => (await focused(panel)) === '100001');
    assert.equal(await page.locator('.tall .row[tabindex="0"]').count(), 1, 'one tab stop');
    await page.keyboard.press('Home');
    await until('the first row to have focus', async () => (await focused(panel)) === '2');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.pane dl').waitFor();
    assert.equal(await page.locator('.tall .row[aria-selected=true]').getAttribute('aria-rowindex'), '3');
    await page.keyboard.press('Tab');
    assert.match(await focused(panel), /button/, 'from the rows into the details');
    await page.keyboard.press('Escape');
    await until('the row to have focus again', async () => (await focused(panel)) === '3');
    assert.equal(await page.locator('.pane').isVisible(), false);
  });
});

test('screen readers are told what there is', async () => {
  await using({ events: HUNDRED_THOUSAND.slice() }, async (panel) => {
    const { page } = panel;
    await row(panel, 0).waitFor();
    const grid = page.getByRole('grid', { name: 'Audit events, newest first' });
    assert.equal(await grid.getAttribute('aria-rowcount'), '100001');
    assert.equal(await grid.getAttribute('aria-colcount'), '5');
    assert.equal(await grid.getByRole('columnheader').count(), 5);
    assert.match((await row(panel, 0).getAttribute('aria-label')) ?? '', /^Gone, \S+, \w+ \w+, Azure denies access, \d{4}-/);
    assert.equal(await row(panel, 0).getByRole('gridcell').count(), 5);
    await readInOrder(panel);
    for (const name of ['Person', 'Balancer', 'Event']) assert.equal(await page.getByRole('combobox', { name }).count(), 1);
    await page.getByRole('search').waitFor();
    await page
      .getByRole('status')
      .filter({ hasText: /^100,000 events$/ })
      .waitFor({ state: 'attached' });
  });
});

test('a new event is shown, and moves nothing that one reads', async () => {
  await using({ events: many(2_000, now) }, async (panel) => {
    await row(panel, 0).waitFor();
    for (const event of fresh(1, 5)) panel.record(event);
    await until('the new events at the top', async () => (await texts(panel))[0] === fresh(1, 5)[4]?.text);

    await scrollTo(panel, 4_400);
    await row(panel, 210).waitFor();
    const before = await texts(panel);
    for (const event of fresh(2, 8)) panel.record(event);
    const button = panel.page.locator('.fresh', { hasText: '8 new events' }).getByRole('button');
    await button.waitFor();
    await panel.page.locator('.count', { hasText: '2,005 events' }).waitFor();
    assert.deepEqual(await texts(panel), before);
    await panel.screenshot('new-events');
    await button.click();
    await until('the newest at the top', async () => (await texts(panel))[0] === 'Azure denies access');
    await until('all to be counted', async () => (await panel.page.locator('.count').textContent()) === '2,013 events');
    assert.equal(await focused(panel), '2', 'focus is where the events are');
  });
});

test('nothing that people typed runs, breaks out or asks the network', async () => {
  const bodies = HOSTILE.flatMap((text, n) =>
    storyBodies(n, now - 900_000 + n).map((body) => ({
      ...body,
      text,
      reason: text,
      ticket: text,
      person: { ...person(n), id: text as ReturnType<typeof person>['id'], name: text, email: text },
      resource: body.resource && { ...body.resource, name: text, balancerName: text, kind: text.slice(0, 60) },
      data: { [text]: text },
    })),
  );
  const saved = { filter: { text: '<img src=x onerror=window.pwned=1>' } };
  for (const kept of [undefined, saved]) {
    await using({ events: recorded(bodies), saved: kept }, async (panel) => {
      const { page } = panel;
      const foreign: string[] = [];
      page.on('request', (request) => foreign.push(request.url()));
      await page
        .locator(kept ? '.empty' : '.tall .row')
        .first()
        .waitFor();
      if (!kept) {
        for (let index = 0; index < HOSTILE.length; index++) {
          await row(panel, index * 8).click();
          await page.locator('.pane dl').waitFor();
          await page.locator('.pane-acts .button').click();
          await page.locator('.steps .step').first().waitFor();
        }
        await page.locator('.dropdown').first().click();
        await page.locator('.option').nth(3).waitFor();
      }
      assert.equal(await evaluate(panel, 'window.pwned'), undefined);
      assert.deepEqual(foreign, []);
      const inserted = `[...document.querySelectorAll('#audit script, #audit img, #audit iframe, #audit style, #audit base, #audit form, #audit a, #audit svg')].length`;
      assert.equal(await evaluate(panel, inserted), 0);
      const tags = `[...document.querySelectorAll('#audit *')].flatMap((one) => [...one.attributes]).filter(({ name }) => name.startsWith('on')).length`;
      assert.equal(await evaluate(panel, tags), 0);
      if (!kept) await panel.screenshot('hostile');
    });
  }
});

test('the filter narrows by person, balancer, kind and text; nothing found says so and leads back', async () => {
  await using({ events: many(4_000, now) }, async (panel) => {
    const { page } = panel;
    await row(panel, 0).waitFor();
    const count = page.locator('.count');
    await page.getByRole('combobox', { name: 'Person' }).click();
    await page.getByRole('option', { name: 'Ben Okafor' }).click();
    await until('the person to be filtered by', async () => /^5\d\d events$/.test((await count.textContent()) ?? ''));
    assert.deepEqual([...new Set(await rows(panel).locator('.cell:nth-child(3)').allTextContents())], ['Ben Okafor']);
    const before = Number.parseInt((await count.textContent()) ?? '', 10);
    await page.getByRole('combobox', { name: 'Balancer' }).click();
    await page.getByRole('option').nth(1).click();
    await until('the balancer to be filtered by', async () => Number.parseInt((await count.textContent()) ?? '', 10) < before);
    await page.getByRole('combobox', { name: 'Balancer' }).click();
    await page.getByRole('option', { name: 'All balancers' }).click();
    await until('every balancer to be shown', async () => Number.parseInt((await count.textContent()) ?? '', 10) === before);
    await page.getByRole('combobox', { name: 'Event' }).click();
    await page.getByRole('option', { name: 'Gone' }).click();
    await until('the kind to be filtered by', async () => /^7\d events$/.test((await count.textContent()) ?? ''));
    await page.locator('.field').click();
    await page.keyboard.type('no such words');
    await page.getByText('No event matches the filter.').waitFor();
    await panel.screenshot('no-match');
    await page.getByText('Clear the filter').click();
    await until('everything to be shown again', async () => (await count.textContent()) === '4,000 events');
    assert.equal(
      await page
        .getByRole('combobox', { name: 'Person' })
        .textContent()
        .then((text) => text?.trim().startsWith('Everybody')),
      true,
    );
  });
});

test('Show in audit tells the story of that grant, and the story goes on while one looks', async () => {
  const story = recorded(storyBodies(70_077, now - 60_000), 'central', 3_000);
  const grant = grantOf(70_077, { notAfter: now + 780_000 });
  await using(
    { events: [...many(3_000, now - 3_600_000), ...story.slice(0, 6)], state: { grants: { [grant.id]: grant } } },
    async (panel) => {
      const { page } = panel;
      await row(panel, 0).waitFor();
      panel.side.show(grantId(70_077));
      await page.locator('.steps').waitFor();
      assert.deepEqual(await page.locator('.step-name').allTextContents(), [
        'Requested',
        'Granted by policy',
        'Activating',
        'Assigned',
        'Usable',
        'Lease taken',
      ]);
      assert.match((await page.locator('.standing').textContent()) ?? '', /^Usable, 1[23] min left$/);
      await until('only its events to be listed', async () => (await page.locator('.count').textContent()) === '6 events');
      await panel.screenshot('story');

      panel.state.grants[grant.id] = { ...grant, state: 'revoking', awaiting: 'Waiting until Azure denies access' };
      panel.record(story[6] as AuditEvent);
      await page.locator('.standing', { hasText: 'Revoking' }).waitFor();
      assert.equal(await page.locator('.awaited').textContent(), 'Waiting until Azure denies access');
      await panel.screenshot('story-revoking');

      panel.state.grants[grant.id] = { ...grant, state: 'gone' };
      panel.record(story[7] as AuditEvent);
      await page.locator('.standing', { hasText: 'Gone' }).waitFor();
      assert.equal(await page.locator('.awaited').count(), 0);
      await page.getByText('Gone 1.4 s after its due instant').waitFor();
      await panel.screenshot('story-gone');
      await page.getByRole('button', { name: 'Details of Gone' }).click();
      await page.locator('.pane dl').waitFor();
    },
  );
});

test('lost contact is said, good news becomes unknown, and contact that is back mends all', async () => {
  const grant = grantOf(70_077, { notAfter: now + 780_000 });
  const events = [...many(800, now - 3_600_000), ...recorded(storyBodies(70_077, now - 60_000).slice(0, 6), 'central', 800)];
  await using({ events, state: { grants: { [grant.id]: grant } } }, async (panel) => {
    const { page } = panel;
    await row(panel, 0).waitFor();
    panel.side.show(grantId(70_077));
    await page.locator('.standing', { hasText: 'Usable' }).waitFor();
    await page.locator('.count', { hasText: '6 events' }).waitFor();
    panel.contact({ state: 'lost', problem: 'It ended with status 1.' });
    await page.getByRole('alert').filter({ hasText: 'Contact with the daemon is lost.' }).waitFor();
    await page.locator('.standing', { hasText: 'Unknown' }).waitFor();
    await panel.screenshot('contact-lost');
    events.push(...fresh(5, 2));
    panel.contact({ state: 'connected' });
    await page.locator('.standing', { hasText: 'Usable' }).waitFor();
    assert.equal(await page.locator('.banner').isVisible(), false);
    await page.getByRole('button', { name: 'Clear all filters' }).click();
    await until('what was missed to be there', async () => (await page.locator('.count').textContent()) === '808 events');
  });
});

test('a message of a form that the page does not know is said, not swallowed', async () => {
  await using({ events: [{ ...many(1)[0], kind: 42 } as unknown as AuditEvent] }, async (panel) => {
    await panel.page.getByText('The record could not be read.').waitFor();
    panel.events.length = 0;
    await panel.page.locator('.empty').getByText('Retry').click();
    await panel.page.getByText('Nothing is recorded yet.').waitFor();
  });
});

test('an event of a kind that the page does not know is shown by its text, with all others', async () => {
  const unknown = { ...(many(3)[2] as AuditEvent), kind: 'grant.put-on-hold', text: 'The grant is on hold', by: 'a newer central' };
  await using({ events: [...many(2), unknown] }, async (panel) => {
    await row(panel, 2).waitFor();
    assert.equal((await texts(panel))[0], 'The grant is on hold');
    assert.match((await row(panel, 0).textContent()) ?? '', /Grant put on hold/);
    await row(panel, 0).click();
    await panel.page.getByText('central, event 3').waitFor();
    await panel.screenshot('unknown-kind');
  });
});

test('loading, an empty record and no contact from the start each have their words', async () => {
  const gate = Promise.withResolvers<void>();
  await using({ events: [], gate: gate.promise }, async (panel) => {
    await panel.page.getByText('Loading the record…').waitFor();
    gate.resolve();
    await panel.page.getByText('Nothing is recorded yet.').waitFor();
    await panel.screenshot('empty');
    panel.record(fresh(1)[0] as AuditEvent);
    await row(panel, 0).waitFor();
  });
  await using({ events: many(10), contact: { state: 'lost' } }, async (panel) => {
    await panel.page.getByRole('alert').getByText('Contact with the daemon is lost.').waitFor();
    await panel.screenshot('no-contact');
    panel.contact({ state: 'connected' });
    await row(panel, 9).waitFor();
  });
});

test('after a reload the panel shows what it showed: filter, place and event', async () => {
  const events = many(4_000, now);
  let kept: unknown;
  await using({ events: [...events] }, async (panel) => {
    await row(panel, 0).waitFor();
    await panel.page.getByRole('combobox', { name: 'Event' }).click();
    await panel.page.getByRole('option', { name: 'Usable', exact: true }).click();
    await panel.page.locator('.count', { hasText: /^500 events/ }).waitFor();
    await scrollTo(panel, 6_600);
    await row(panel, 305).click();
    kept = await until('it to be kept', () =>
      evaluate<{ selected?: unknown; place?: number }>(panel, 'window.kept').then((view) => view?.selected && view.place && view),
    );
  });
  await using({ events: [...events, ...fresh(3, 5)], saved: kept }, async (panel) => {
    const place = await row(panel, 306).textContent();
    await panel.page.locator('.pane dl').waitFor();
    assert.ok(place?.includes('Usable'));
    assert.equal(
      await panel.page.locator('.tall .row[aria-selected=true]').getAttribute('aria-rowindex'),
      '308',
      'one newer event came meanwhile',
    );
    assert.ok((await evaluate<number>(panel, `document.querySelector('.rows').scrollTop`)) >= 6_600);
  });
  await using({ events, saved: { filter: { kind: 'nonsense' }, place: 'x' } }, async (panel) => {
    await row(panel, 0).waitFor();
  });
});

test('what is shown can be exported', async () => {
  let text = '';
  const file = {
    name: 'audit.csv',
    format: 'csv',
    append: async (more) => {
      text += more;
    },
    done: async () => undefined,
    discard: async () => undefined,
    progress: () => undefined,
    cancelled: false,
  } satisfies ExportFile;
  await using({ events: many(800, now), file, saved: { filter: { kind: 'grant.gone' } } }, async (panel) => {
    await row(panel, 0).waitFor();
    await panel.page.getByRole('button', { name: 'Export what is shown' }).click();
    await panel.page.getByRole('status').filter({ hasText: '100 events exported to audit.csv' }).waitFor();
    assert.equal(text.split('\r\n').length, 102);
  });
});

for (const theme of ['dark', 'light', 'high-contrast'] as const) {
  test(`the panel in the ${theme} theme, wide and narrow`, async () => {
    await using({ events: many(3_000, now), theme, reducedMotion: true }, async (panel) => {
      await row(panel, 3).click();
      await panel.page.locator('.pane dl').waitFor();
      await panel.page.waitForLoadState('networkidle');
      await panel.screenshot(`${theme}-details`);
      await panel.page.getByText('Story of this grant').click();
      await panel.page.locator('.steps').waitFor();
      await panel.screenshot(`${theme}-story`);
      await panel.page.setViewportSize({ width: 480, height: 760 });
      await until('the pane below the rows', () =>
        evaluate<boolean>(panel, `document.querySelector('.pane').getBoundingClientRect().left < 10`),
      );
      assert.equal(await evaluate(panel, 'document.documentElement.scrollWidth <= 480'), true, 'nothing is cut off');
      await panel.screenshot(`${theme}-narrow`);
    });
  });
}
