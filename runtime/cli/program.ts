import { Command, CommanderError } from 'commander';
import { SettingsError } from '../../model/problems.ts';
import { breakGlass } from './commands/break-glass.ts';
import { calendar } from './commands/calendar.ts';
import { explain } from './commands/explain.ts';
import { history } from './commands/history.ts';
import { promote } from './commands/promote.ts';
import { status } from './commands/status.ts';
import { verify } from './commands/verify.ts';
import { CliError, type ExitCode, exitCode, type Io } from './io.ts';
import { type CommonOptions, Session } from './session.ts';

/** Runs one command. Never throws; every error is one readable text. */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const json = args.includes('--json');
  const program = new Command('gate')
    .description('Promotions, their gate and their history. Times are those of the promotion window.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => (json ? undefined : io.err(text)),
      outputError: (text, write) => (json ? io.out(jsonError(text.replace(/^error: /, '').trim())) : write(text)),
    })
    .showHelpAfterError('(--help says what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or audit log not whole, 2 wrong command line, 3 refused by the gate or not confirmed.\nLog in with `kargo login`, or set KARGO_API_TOKEN, or name a file with --token-file.',
    );

  const command = <Options>(
    name: string,
    description: string,
    build: (command: Command) => Command,
    work: (session: Session, options: Options) => ExitCode | Promise<ExitCode>,
  ) => {
    const made = build(program.command(name).description(description))
      .option('--system <name>', 'system whose dist/<name>/gate.json is read (default: stonks-oracle)')
      .option('--settings <file>', 'a gate.json elsewhere')
      .option('--token-file <file>', 'file with your Kargo token')
      .option('--json', 'print JSON');
    made.action(async (options: Options & CommonOptions) => {
      const session = new Session(io, options);
      try {
        code = await work(session, options);
      } catch (error) {
        throw session.explain(error);
      }
    });
  };

  const build = (one: Command) =>
    one
      .requiredOption('--stage <name>', 'target stage (required)')
      .option('--freight <name>', 'Freight, by name or alias')
      .option('--tag <tag>', 'image tag, or its first 7 or more characters');
  const waiting = (one: Command) =>
    one
      .option('--wait', 'wait for the end; exit code 1 unless it succeeds')
      .option('--timeout <minutes>', 'longest wait', '30');

  command('status', 'what is where, what the gate says now, what waits', (one) => one, status);
  command(
    'promote',
    'promote a build to a stage',
    (one) =>
      waiting(build(one).option('--note <text>', 'why; required where the gate says so')).option(
        '--ask-anyway',
        'ask the API server although the forecast says no',
      ),
    promote,
  );
  command(
    'break-glass',
    'promote past the window in an emergency: one promotion, with confirmation and justification',
    (one) =>
      waiting(
        build(one)
          .option('--justification <text>', 'why it cannot wait; asked for when missing')
          .option('--note <text>', 'note, where the stage needs one')
          .option('--confirm <stage>', 'name of the stage, instead of being asked')
          .option('--keep-queue', 'leave what waits ahead'),
      ),
    breakGlass,
  );
  command(
    'history',
    'promotions and refused attempts with every audit field, newest first',
    (one) =>
      one
        .option('--stage <name>', 'only of this target stage')
        .option('--result <result>', 'for example Failed')
        .option('--break-glass', 'only with break-glass')
        .option('--text <text>', 'found in any field')
        .option('--from <time>', 'created at or after')
        .option('--to <time>', 'created before')
        .option('--limit <number>', 'how many', '20')
        .option('--csv', 'print CSV'),
    history,
  );
  command(
    'verify',
    'check the audit log: changed, removed, inserted, reordered lines',
    (one) =>
      one
        .option('--files <folder>', 'the log on its volume, checked here')
        .option('--anchors <path...>', 'anchors from a clone of branch audit (folder or files)'),
    verify,
  );
  command(
    'explain',
    'what the gate would say, and when that changes',
    (one) =>
      one
        .requiredOption('--stage <name>', 'target stage (required)')
        .option('--at <time>', 'for example 2026-11-23T10:00, in the zone of the window (default: now)')
        .option('--note <text>', 'as if the promotion had this note')
        .option('--break-glass <justification>', 'as if the glass were broken with this justification')
        .option('--actor <actor>', 'who asks, for example email:alice@example.org (default: you)'),
    explain,
  );
  command(
    'calendar',
    'every blocked span of a year',
    (one) =>
      one.option('--year <year>', 'default: this year').option('--stage <name>', 'only the window of this stage'),
    calendar,
  );

  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    const message = error instanceof Error ? error.message : String(error);
    const expected = error instanceof CliError || error instanceof SettingsError;
    if (json) io.out(jsonError(message));
    else io.err(`${message}\n`);
    if (!expected && io.env.DEBUG && error instanceof Error) io.err(`${error.stack}\n`);
    return error instanceof CliError ? error.code : exitCode.failed;
  }
}

function jsonError(message: string): string {
  return `${JSON.stringify({ error: message }, undefined, 2)}\n`;
}
