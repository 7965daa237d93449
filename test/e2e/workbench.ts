import type { FrameLocator, Locator, Page } from 'playwright-core';

const LOADING = 90_000;
const ELSEWHERE = 30_000;
/** Long enough for one step of the workbench on a busy machine; then the step is taken again. */
const A_MOMENT = 5_000;

/** VS Code's workbench (1.139) in a browser, in the words of a person who uses it. */
export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(ELSEWHERE);
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: 'commit' });
    await this.ready();
  }

  async reload(): Promise<void> {
    await this.page.reload({ waitUntil: 'commit' });
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor({ timeout: LOADING });
    await this.page.locator('.part.statusbar .statusbar-item').first().waitFor({ timeout: LOADING });
  }

  /** Opens a view container, and leaves it open when it is already. */
  async openView(title: string): Promise<void> {
    const action = this.page.locator(`.part.activitybar .action-label[aria-label^="${title}"]`);
    await action.waitFor({ timeout: LOADING });
    const open = this.page.locator('.part.sidebar .composite.title', { hasText: new RegExp(title, 'i') });
    // A click is lost while the workbench is still loading.
    await repeated(`the view ${title} does not open`, async () => {
      if (!(await open.isVisible())) await action.click();
      await open.waitFor({ timeout: A_MOMENT });
    });
  }

  /** A row of a tree by its exact label: its aria-label is the tooltip when it has one. */
  row(label: string | RegExp): Locator {
    const text = typeof label === 'string' ? exactly(label) : label;
    return this.page.locator('.part.sidebar .monaco-list-row', { has: this.page.locator('.label-name', { hasText: text }) });
  }

  /** Opens a row of a tree that is closed, and waits until it is open. */
  async expand(label: string | RegExp): Promise<void> {
    const row = this.row(label).first();
    await row.waitFor({ timeout: LOADING });
    // Looked up anew each time: a tree that is refreshed draws other rows, and a click on the old one is lost.
    for (let attempt = 0; attempt < 10; attempt++) {
      if ((await row.getAttribute('aria-expanded')) === 'true') return;
      await row.locator('.monaco-tl-twistie').click();
      await this.page.waitForTimeout(500);
    }
    throw new Error(`The row ${label} does not open`);
  }

  /** Filters the load balancers, by the icon above them. */
  async filter(text: string): Promise<void> {
    const pane = this.page.locator('.part.sidebar .pane-header', { hasText: /load balancers/i });
    await repeated('the view does not take Filter', async () => {
      await pane.hover({ timeout: A_MOMENT });
      await pane.locator('.action-label[aria-label^="Filter load balancers"]').click({ timeout: A_MOMENT });
    });
    await this.page.locator('.quick-input-widget:visible .quick-input-box input').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** What stands in a view that has no rows. */
  welcome(text: string): Locator {
    return this.page.locator('.part.sidebar .welcome-view:visible', { hasText: text });
  }

  /** Presses a button of a view that has no rows. @param opens What is there then. */
  async press(view: Locator, name: string, opens: Locator): Promise<void> {
    // A view that is drawn anew under the pointer loses the click.
    await repeated(`${name} does nothing`, async () => {
      if (!(await opens.isVisible())) await view.getByRole('button', { name }).click({ timeout: A_MOMENT });
      await opens.waitFor({ timeout: A_MOMENT });
    });
  }

  /** The line above the rows of a view. */
  headline(text: string | RegExp): Locator {
    return this.page.locator('.part.sidebar .tree-explorer-viewlet-tree-view > .message', { hasText: text });
  }

  /** Whether it can be read where it is: not scrolled out of its view. */
  async isInSight(locator: Locator): Promise<boolean> {
    return locator.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const view = element.closest('.pane-body')?.getBoundingClientRect();
      return box.height > 0 && view !== undefined && box.top >= view.top && box.bottom <= view.bottom;
    });
  }

  async #menuItem(row: Locator, item: string | RegExp): Promise<void> {
    const entry = this.page.locator('.monaco-menu .action-menu-item', { hasText: item }).first();
    await repeated(`the menu does not open, or does not take ${item}`, async () => {
      if (!(await entry.isVisible())) await row.click({ button: 'right' });
      await entry.waitFor({ timeout: A_MOMENT });
      // A menu takes no click right after it has opened, so as not to act on the click that opened it.
      await entry.click({ timeout: A_MOMENT });
      await entry.waitFor({ state: 'detached', timeout: 1_000 });
    });
  }

  /** Until what it opens is there: a tree that is refreshed meanwhile forgets which row the menu was of. */
  async contextMenu(row: Locator, item: string | RegExp, opens: string | Locator): Promise<void> {
    const opened = typeof opens === 'string' ? this.asking(opens) : opens;
    await repeated(`${item} opens nothing`, async () => {
      await this.page.keyboard.press('Escape');
      await this.#menuItem(row, item);
      await opened.waitFor({ timeout: A_MOMENT });
    });
  }

  /** The small icons on a row, shown while it is pointed at. */
  async inlineAction(row: Locator, title: string): Promise<void> {
    // A tree that is refreshed draws another row under the pointer, which is then not pointed at.
    await repeated(`the row does not take ${title}`, async () => {
      await row.hover({ timeout: A_MOMENT });
      await row.locator(`.actions .action-label[aria-label^="${title}"]`).click({ timeout: A_MOMENT });
    });
  }

  /** The quick pick or input box that asks this: the beginning of its placeholder. */
  asking(placeholder: string): Locator {
    const input = this.page.locator(`.quick-input-box input[placeholder^="${placeholder}"]`);
    return this.page.locator('.quick-input-widget:visible', { has: input });
  }

  /** A line of the quick pick that asks this: by its exact label, or by anything that it says. */
  option(placeholder: string, label: string | RegExp): Locator {
    const rows = this.asking(placeholder).locator('.quick-input-list .monaco-list-row');
    if (typeof label !== 'string') return rows.filter({ hasText: label }).first();
    return rows.filter({ has: this.page.locator('.label-name', { hasText: exactly(label) }) }).first();
  }

  /** The small icons on a line of a quick pick. */
  async itemAction(line: Locator, title: string): Promise<void> {
    await repeated(`the line does not take ${title}`, async () => {
      await line.hover({ timeout: A_MOMENT });
      await line.locator(`.quick-input-list-entry-action-bar .action-label[aria-label="${title}"]`).click({ timeout: A_MOMENT });
    });
  }

  async choose(placeholder: string, label: string | RegExp): Promise<void> {
    await this.option(placeholder, label).click();
  }

  /** Types into the box that asks this, and presses Enter. */
  async answerWith(placeholder: string, text: string): Promise<void> {
    const box = this.asking(placeholder).locator('.quick-input-box input');
    await box.fill(text);
    await box.press('Enter');
  }

  /** Runs a command from the palette; fails when the palette does not offer it. */
  async command(label: string): Promise<void> {
    // The palette closes when something else takes the focus, also between the typing and the click.
    await repeated(`the palette does not offer ${label}`, async () => {
      const entry = await this.palette(label);
      await entry.click({ timeout: A_MOMENT });
    });
  }

  /** Does the palette offer this command now? */
  async offers(label: string): Promise<boolean> {
    const entry = await this.palette(label);
    const nothing = this.page.locator('.quick-input-list .monaco-list-row', { hasText: /No matching|similar commands/ });
    await entry.or(nothing).first().waitFor();
    const offered = await entry.isVisible();
    await this.page.keyboard.press('Escape');
    return offered;
  }

  async palette(label: string): Promise<Locator> {
    const box = this.page.locator('.quick-input-widget:visible .quick-input-box input');
    // F1 is lost while the workbench is still loading.
    // It may also close again when a toast or a late press takes the focus: then it is opened once more.
    for (let attempt = 0; attempt < 40; attempt++) {
      if (!(await box.isVisible())) await this.page.keyboard.press('F1');
      const filled = await box.fill(`>${label}`, { timeout: 1_000 }).then(
        () => true,
        () => false,
      );
      if (filled) break;
    }
    return this.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row', { hasText: label }).first();
  }

  /** @param id Of the status bar item, without publisher and extension. */
  status(id: string): Locator {
    return this.page.locator(`.part.statusbar .statusbar-item[id="portcullis.portcullis.${id}"]`);
  }

  /** Any item of the status bar with this text. */
  statusText(text: string | RegExp): Locator {
    return this.page.locator('.part.statusbar .statusbar-item', { hasText: text });
  }

  toast(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: text });
  }

  async dismissToasts(): Promise<void> {
    await this.command('Notifications: Clear All Notifications');
  }

  /** Closes what was opened: editors, messages, and the rows of trees. */
  async tidy(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.command('View: Close All Editors');
    await this.dismissToasts();
    const open = this.page.locator('.part.sidebar .monaco-list-row[aria-expanded=true]:not([aria-level="1"])').last();
    for (let row = 0; row < 20 && (await open.isVisible()); row++) await open.locator('.monaco-tl-twistie').click();
  }

  tab(title: string | RegExp): Locator {
    return this.page.locator('.part.editor .tab', { hasText: title });
  }

  /** The page inside the webview that is in front. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** A modal dialog. */
  dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  async answer(button: string | RegExp): Promise<void> {
    const dialog = this.dialog();
    await dialog.waitFor();
    await dialog.locator('.monaco-button', { hasText: button }).first().click();
  }
}

/** What a person does when the editor did not react: the same again, a few times. @throws Error with `problem` and the last cause. */
async function repeated(problem: string, step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (cause) {
      if (attempt === 8) throw new Error(problem, { cause });
    }
  }
}

const exactly = (text: string) => new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
