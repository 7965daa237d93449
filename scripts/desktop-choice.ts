/** What the demo knows before it opens an editor. */
export interface Choosing {
  /** What was typed after the demo's name. */
  args: readonly string[];
  /** The desktop editor's command, where there is one. */
  code: string | undefined;
  /** Asks the person. Undefined: nobody sits at a terminal. */
  ask: ((question: string) => Promise<string>) | undefined;
  say(text: string): void;
}

/**
 * The desktop editor when there is one and the person wants it.
 * @throws Error when it was named and is not there.
 */
export async function chosenDesktop({ args, code, ask, say }: Choosing): Promise<string | undefined> {
  if (args.includes('--browser')) return undefined;
  if (args.includes('--desktop')) {
    if (!code) throw new Error('There is no `code` on the PATH: run the demo without --desktop to use the browser');
    return code;
  }
  if (!code) return undefined;
  if (!ask) {
    say('VS Code is installed here: `npm run demo -- --desktop` uses it instead of the browser.');
    return undefined;
  }
  const answer = await ask('VS Code is installed here. Use it instead of the browser? [y/N] ');
  return /^y(es)?$/i.test(answer.trim()) ? code : undefined;
}
