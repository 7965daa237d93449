// Entry point inside the extension host: VS Code loads the bundle of this file and calls run().
import { globSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';

export async function run(): Promise<void> {
  markReporterOutput(process.env['TEST_OUTPUT_MARK']);
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: 30_000, reporter: process.env['TEST_REPORTER'] ?? 'spec' });
  // A run that must turn red needs no more than the test that does it.
  const files = process.env['TEST_DELIBERATE_FAILURE'] ? 'pipeline.test.cjs' : '**/*.test.cjs';
  for (const name of globSync(files, { cwd: __dirname }).sort()) mocha.addFile(path.resolve(__dirname, name));
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => {
      writeResult({ ...runner.stats, failures });
      if (failures > 0) reject(new Error(`${failures} tests failed`));
      else resolve();
    });
  });
}

/** Only marked lines are printed, to tell them from the workbench's log. Assigning console.log is silently ignored in there. */
function markReporterOutput(mark: string | undefined): void {
  if (!mark) return;
  const base = Mocha.reporters.Base as unknown as { consoleLog: (...parts: unknown[]) => void };
  base.consoleLog = (...parts) => console.log('%s', mark + format(...parts));
}

/** The workbench reports exit code 0 for an extension host that was killed, so success needs this file too. */
function writeResult(result: object): void {
  const file = process.env['TEST_RESULT_FILE'];
  if (file) writeFileSync(file, JSON.stringify(result));
}
