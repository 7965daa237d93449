import { type Command, Option } from 'commander';
import { AuditKind } from '../../../protocol/audit.ts';
import { EXPORT_FORMATS } from '../../../protocol/record-export.ts';
import { exportRecord } from './audit-export.ts';
import { tail } from './audit-tail.ts';
import { type VerifyOptions, verifyFile, verifyHere } from './audit-verify.ts';
import type { Verb } from './verb.ts';

export const audit: Verb = (program, on) => {
  const group = program.command('audit').description('read, export and prove the record');
  filtered(group.command('tail').description('show the newest events'))
    .option('-n, --lines <count>', 'how many', '20')
    .option('--follow', 'go on showing events as they come, until Ctrl-C')
    .action(on.daemon(tail));
  filtered(group.command('export').description('write out events, oldest first'))
    .addOption(
      new Option(
        '--format <format>',
        'jsonl can be proven with "audit verify"; csv is for spreadsheets; ocsf (1.8.0) is for systems that watch security',
      )
        .choices(EXPORT_FORMATS)
        .default('jsonl'),
    )
    .option('--out <file>', 'a new file instead of standard output')
    .action(on.daemon(exportRecord));
  const here = on.daemon(verifyHere);
  const exported = on.alone(verifyFile);
  group
    .command('verify')
    .description('prove that an exported record (or the one here) is unbroken, or name the first wrong event')
    .argument('[file]', 'JSON lines from "audit export"')
    .option('--checkpoint <file>', 'checkpoints that were kept elsewhere: the record must have grown out of each')
    .option('--key <file>', "central's public key, as it was published")
    .addHelpText('after', '\nExit status 5 when the record does not verify.')
    .action((file: string | undefined, options: VerifyOptions) => (file === undefined ? here(options) : exported(file, options)));
};

const filtered = (command: Command): Command =>
  command
    .option('--person <id>', 'only this person, by the id in the record')
    .option('--balancer <resource>', 'only this load balancer, by name or id')
    .option('--grant <grant>', 'only this grant, from its request to its end')
    .addOption(new Option('--kind <kind>', 'only this kind of event').choices(AuditKind.options))
    .option('--text <text>', 'only events that contain this');
