import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ForgeSetupSettings } from '../../model/forge-setup/settings.ts';
import { KubernetesClient } from '../kubernetes/client.ts';
import { exitCode, ProgramEnd, runProgram } from '../program/exit.ts';
import { Report } from './report.ts';
import { type SetupContext, setUpForge, setUpWoodpecker } from './setup.ts';

const USAGE = `usage: forge-setup COMMAND --settings FILE [options]
  forge       Gitea: first set-up, environment, accounts, repositories, OAuth2 applications, Secrets of its consumers
  woodpecker  Woodpecker: token, repository, webhook, pipeline secrets (its server has to run)
  all         both
options:
  --restore-forge      bring the repositories of an empty forge back from the latest snapshot
  --credentials DIR    files username and password of the administrator (instead of those in the settings)
  --ca FILE            certificate authority of the forge and Woodpecker (instead of those in the settings)
  --woodpecker-url URL how this machine reaches Woodpecker (instead of the address inside the cluster)
exit codes: 0 done, 2 usage or credentials, 3 refused, 1 anything else`;

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const command = positionals[0];
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  if (!['forge', 'woodpecker', 'all'].includes(command)) {
    throw new ProgramEnd(exitCode.usage, `there is no command ${command}\n${USAGE}`);
  }
  if (values.settings === undefined) throw new ProgramEnd(exitCode.usage, `--settings is missing\n${USAGE}`);
  const settings = adapted(await readSettings(values.settings), values);
  const report = new Report((line) => console.log(line));
  let client: KubernetesClient | undefined;
  const context: SetupContext = {
    settings,
    report,
    restoreForge: values['restore-forge'] === true,
    client: () => {
      client ??= KubernetesClient.fromEnvironment();
      return client;
    },
  };
  try {
    if (command !== 'woodpecker') await setUpForge(context);
    if (command !== 'forge') await setUpWoodpecker(context);
    report.end();
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
        credentials: { type: 'string' },
        ca: { type: 'string' },
        'woodpecker-url': { type: 'string' },
        'restore-forge': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ProgramEnd(exitCode.usage, `${(error as Error).message}\n${USAGE}`);
  }
}

/** The settings as they are on an operator's machine. */
function adapted(
  settings: ForgeSetupSettings,
  values: { credentials?: string | undefined; ca?: string | undefined; 'woodpecker-url'?: string | undefined },
): ForgeSetupSettings {
  const { credentials, ca } = values;
  const woodpecker = settings.woodpecker && {
    ...settings.woodpecker,
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(values['woodpecker-url'] === undefined ? {} : { internalUrl: values['woodpecker-url'] }),
  };
  return {
    ...settings,
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(credentials === undefined
      ? {}
      : {
          admin: {
            ...settings.admin,
            usernameFile: join(credentials, 'username'),
            passwordFile: join(credentials, 'password'),
          },
        }),
    ...(woodpecker === undefined ? {} : { woodpecker }),
  };
}

async function readSettings(path: string): Promise<ForgeSetupSettings> {
  let settings: ForgeSetupSettings;
  try {
    settings = JSON.parse(await readFile(path, 'utf8')) as ForgeSetupSettings;
  } catch (error) {
    throw new ProgramEnd(exitCode.usage, `${path}: ${(error as Error).message}`, { cause: error });
  }
  if (settings.format !== 'forge-setup-settings/1') {
    throw new ProgramEnd(
      exitCode.usage,
      `${path}: format ${String(settings.format)}; this program reads forge-setup-settings/1`,
    );
  }
  return settings;
}

void runProgram('forge-setup', main);
