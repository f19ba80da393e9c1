import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { StateSettings } from '../../model/state/settings.ts';
import { KubernetesClient } from '../kubernetes/client.ts';
import { exitCode, ProgramEnd, runProgram } from '../program/exit.ts';
import {
  type CommandContext,
  extract,
  list,
  probe,
  type Restorable,
  restorable,
  restore,
  snapshot,
  verify,
} from './commands.ts';

const USAGE = `usage: state COMMAND --settings FILE [options]
  snapshot  [--accept-loss]          save everything, check it, make it the latest
  list                               what there is; * marks the latest
  verify    [--snapshot ID | --all]  read snapshots back and check them
  restore   [--snapshot ID] [--desired FILE] [--only ${restorable.join(',')}] [--dry-run] [--if-needed]
                                     bring back what is lost; without --only: objects
  probe                              fail if there are snapshots (before a new key is generated)
  extract   --file NAME --to PATH [--snapshot ID]
                                     write one file of a snapshot, opened (for pg_restore: --file woodpecker)
exit codes: 0 done, 2 usage, 3 refused, 4 no snapshot, 5 snapshot lacks something, 6 damaged, 1 anything else`;

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const command = positionals[0];
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  if (values.settings === undefined) throw new ProgramEnd(exitCode.usage, `--settings is missing\n${USAGE}`);
  const settings = await readSettings(values.settings);
  let client: KubernetesClient | undefined;
  const context: CommandContext = {
    settings,
    client: () => {
      client ??= KubernetesClient.fromEnvironment();
      return client;
    },
    now: () => new Date(),
    log: (line) => console.log(line),
  };
  const id = values.snapshot;
  try {
    if (command === 'snapshot') await snapshot(context, { acceptLoss: values['accept-loss'] === true });
    else if (command === 'list') await list(context);
    else if (command === 'probe') await probe(context);
    else if (command === 'verify') await verify(context, { id, all: values.all === true });
    else if (command === 'restore') {
      await restore(context, {
        id,
        desiredFile: values.desired,
        dryRun: values['dry-run'] === true,
        ifNeeded: values['if-needed'] === true,
        only: kinds(values.only),
      });
    } else if (command === 'extract') {
      if (!values.file || !values.to) throw new ProgramEnd(exitCode.usage, 'extract needs --file and --to');
      await extract(context, { id, name: values.file, target: values.to });
    } else throw new ProgramEnd(exitCode.usage, `there is no command ${command}\n${USAGE}`);
  } finally {
    client?.close();
  }
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        settings: { type: 'string' },
        snapshot: { type: 'string' },
        desired: { type: 'string' },
        only: { type: 'string' },
        file: { type: 'string' },
        to: { type: 'string' },
        'dry-run': { type: 'boolean' },
        'if-needed': { type: 'boolean' },
        'accept-loss': { type: 'boolean' },
        all: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ProgramEnd(exitCode.usage, `${(error as Error).message}\n${USAGE}`);
  }
}

function kinds(only: string | undefined): Restorable[] {
  const names = (only ?? 'objects').split(',');
  const unknown = names.filter((name) => !(restorable as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new ProgramEnd(exitCode.usage, `--only ${unknown.join(',')}: it knows ${restorable.join(', ')}`);
  }
  return names as Restorable[];
}

async function readSettings(path: string): Promise<StateSettings> {
  let settings: StateSettings;
  try {
    settings = JSON.parse(await readFile(path, 'utf8')) as StateSettings;
  } catch (error) {
    throw new ProgramEnd(exitCode.usage, `${path}: ${(error as Error).message}`, { cause: error });
  }
  if (settings.format !== 'state-settings/1') {
    throw new ProgramEnd(
      exitCode.usage,
      `${path}: format ${String(settings.format)}; this program reads state-settings/1`,
    );
  }
  return settings;
}

void runProgram('state', main);
