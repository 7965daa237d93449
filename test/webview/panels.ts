import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../scripts/browser.ts';
import { buildTarget } from '../../scripts/build.ts';
import { openPanel, type Panel, type PanelOptions } from './stage.ts';

/** One browser and one built page for all tests of a file. */
export function panels() {
  let browser: Browser;
  let dist: string;
  before(async () => {
    dist = await mkdtemp(path.join(tmpdir(), 'pc-panel-'));
    await buildTarget('webview', dist);
    ({ browser } = await launchBrowser());
  });
  after(async () => {
    await browser?.close();
    rmSync(dist, { recursive: true, force: true });
  });

  /** Opens a panel for one test, and proves in the end that it did nothing that its policy forbids. */
  async function using(options: Omit<PanelOptions, 'dist'>, run: (panel: Panel) => Promise<void>): Promise<void> {
    const panel = await openPanel(browser, { dist, ...options });
    try {
      await run(panel);
      assert.deepEqual(
        (await panel.complaints()).filter((complaint) => !known(complaint)),
        [],
      );
    } finally {
      await panel.close();
    }
  }
  return { using, browser: () => browser, now: Date.now() };
}

/** The component library sets one empty inline style; the hash is that of an empty text. */
const known = (complaint: string) =>
  complaint.includes("'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='") || complaint === 'style-src-elem inline ';

export const rows = (panel: Panel) => panel.page.locator('.tall .row[aria-busy=false]');
export const texts = (panel: Panel) => rows(panel).locator('.cell:last-child').allTextContents();
export const row = (panel: Panel, index: number) => panel.page.locator(`.tall .row[aria-rowindex="${index + 2}"][aria-busy=false]`);
export const evaluate = <T>(panel: Panel, code: string) => panel.page.evaluate<T>(code);
export const scrollTo = (panel: Panel, top: number) => evaluate(panel, `document.querySelector('.rows').scrollTop = ${top}`);
export const focused = (panel: Panel) =>
  evaluate<string>(panel, `document.activeElement?.getAttribute('aria-rowindex') ?? document.activeElement?.className`);
