import assert from 'node:assert/strict';
import { test } from 'node:test';
import { many, recorded, storyBodies } from '../support/audit-events.ts';
import { until } from '../support/until.ts';
import { evaluate, panels, row, texts } from './panels.ts';

const { using, now, browser } = panels();

test('a record of 100,000 events scrolls like a plain page of 200 rows', async (t) => {
  await using({ events: many(100_000, now) }, async (panel) => {
    await row(panel, 0).waitFor();
    const floor = await browser().newPage({ viewport: { width: 1280, height: 760 } });
    await floor.setContent('<div class="rows" style="height:640px;overflow:auto"></div>');
    await floor.evaluate(`
      for (let n = 0; n < 200; n++) {
        const row = document.createElement('div');
        row.style.cssText = 'display:grid;grid-template-columns:154px 162px 1fr 1fr 2fr;height:22px;white-space:pre;overflow:hidden';
        for (const text of ['2026-11-23 09:14:05', 'Usable', 'Ben Okafor', 'prod-edge', 'The right was used successfully ' + n]) row.append(Object.assign(document.createElement('div'), { textContent: text }));
        document.querySelector('.rows').append(row);
      }`);
    const measure = (step: number) => `(async () => {
      const box = document.querySelector('.rows');
      const frame = () => new Promise(requestAnimationFrame);
      box.scrollTop = 0;
      let last = await frame();
      let by = ${step};
      const spans = [];
      for (let n = 0; n < 60; n++) {
        const before = box.scrollTop;
        box.scrollTop = before + by;
        if (box.scrollTop === before) by = -by;
        const at = await frame();
        spans.push(at - last);
        last = at;
      }
      return spans.sort((a, b) => a - b);
    })()`;
    const figures = async (where: { evaluate<T>(code: string): Promise<T> }, step: number) => {
      const spans = await where.evaluate<number[]>(measure(step));
      return { median: spans[30] ?? 0, p95: spans[57] ?? 0 };
    };
    // In turns, and each by its quietest round: the machine has other work. As soon as all were as quiet as they must be, no more.
    const rounds = { plain: [] as Frames[], wheel: [] as Frames[], drag: [] as Frames[] };
    const worst = () => {
      const plain = quietest(rounds.plain);
      const all = [quietest(rounds.wheel), quietest(rounds.drag)];
      return { median: Math.max(...all.map((one) => one.median / plain.median)), p95: Math.max(...all.map((one) => one.p95 / plain.p95)) };
    };
    const isSmooth = () => worst().median <= 1.5 && worst().p95 <= 2.5;
    for (let round = 0; round < 12 && !(round > 0 && isSmooth()); round++) {
      rounds.plain.push(await figures(floor, 66));
      rounds.wheel.push(await figures(panel.page, 66));
      rounds.drag.push(await figures(panel.page, 15_000));
    }
    const told = Object.entries(rounds).map(([how, some]) => `${how} ${words(quietest(some))}`);
    t.diagnostic(`frame in ${rounds.plain.length} rounds, ms (median / p95): ${told.join(', ')}`);
    assert.ok(isSmooth(), `median ${worst().median.toFixed(1)} times and p95 ${worst().p95.toFixed(1)} times the plain page`);
    await floor.close();
    assert.ok((await evaluate<number>(panel, `document.querySelectorAll('.tall .row').length`)) < 80, 'only what is in view exists');
    const inOneSecond = Math.max(
      ...panel.asked.map(({ at }) => panel.asked.filter((other) => other.at >= at && other.at < at + 1_000).length),
    );
    assert.ok(inOneSecond <= 18, `${inOneSecond} questions within a second`);
  });
});
interface Frames {
  median: number;
  p95: number;
}
const quietest = (rounds: Frames[]): Frames => rounds.toSorted((a, b) => a.p95 - b.p95)[0] ?? { median: Number.NaN, p95: Number.NaN };
const words = ({ median, p95 }: Frames) => `${median.toFixed(1)} / ${p95.toFixed(1)}`;

test('a new event is seen within 250 ms', async (t) => {
  await using({ events: many(2_000, now) }, async (panel) => {
    await row(panel, 0).waitFor();
    const spans: number[] = [];
    for (const event of recorded(storyBodies(1, now).slice(0, 5), 'central', 200_000)) {
      const start = performance.now();
      panel.record(event);
      await until('the new event at the top', async () => (await texts(panel))[0] === event.text, 2_000, 2);
      spans.push(performance.now() - start);
    }
    spans.sort((a, b) => a - b);
    t.diagnostic(`seen after ${spans.map((span) => span.toFixed(0)).join(', ')} ms`);
    assert.ok((spans[2] ?? Number.NaN) < 250);
  });
});
