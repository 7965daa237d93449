import { spawn } from 'node:child_process';
import { ROOT, seconds, stopwatch } from './root.ts';

export interface Step {
  name: string;
  /** Program and arguments, or a function that says in one line what was done and throws when it could not. */
  run: readonly [string, ...string[]] | (() => Promise<string> | string);
}

export interface Outcome {
  name: string;
  ok: boolean;
  ms: number;
  /** One line for the summary. */
  note: string;
  /** What a failed or quiet step printed. */
  output: string;
}

/**
 * Runs one step. A program's last line becomes the note.
 * @param quiet Keeps the output back; otherwise it goes to the terminal as it comes.
 */
export async function runStep(step: Step, quiet: boolean): Promise<Outcome> {
  const timer = stopwatch();
  try {
    if (typeof step.run === 'function') {
      return { name: step.name, ok: true, note: await step.run(), output: '', ms: timer() };
    }
    const { code, output } = await program(step.run, quiet);
    const note = code === 0 ? lastLine(output) : `ended with ${code}`;
    return { name: step.name, ok: code === 0, note, output, ms: timer() };
  } catch (error) {
    const output = error instanceof Error ? error.message : String(error);
    return { name: step.name, ok: false, note: lastLine(output.split('\n')[0] ?? ''), output: `${output}\n`, ms: timer() };
  }
}

/** Runs steps quietly, some at a time, in their order. */
export async function runSteps(steps: readonly Step[], atOnce: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left = [...steps];
  const one = async () => {
    for (let step = left.shift(); step; step = left.shift()) outcomes.push(await runStep(step, true));
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return outcomes;
}

function program([command, ...args]: readonly [string, ...string[]], quiet: boolean): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    let output = '';
    for (const [stream, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (!quiet) to.write(text);
      });
    }
    child.once('error', (error) => resolve({ code: error.message, output }));
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'nothing', output }));
  });
}

const lastLine = (text: string): string => (text.trimEnd().split('\n').pop() ?? '').trim().slice(0, 110);

/** The closing summary: one line per step. */
export function summary(title: string, outcomes: readonly Outcome[]): string {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  const lines = outcomes.map(
    ({ ok, name, ms, note }) => `  ${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${seconds(ms).padStart(8)}  ${note}`,
  );
  const failed = outcomes.filter(({ ok }) => !ok).length;
  const total = seconds(outcomes.reduce((sum, { ms }) => sum + ms, 0));
  const verdict = failed === 0 ? `${title}: all passed in ${total}` : `${title}: ${failed} of ${outcomes.length} failed (${total})`;
  return ['', ...lines, '', verdict, ''].join('\n');
}
