import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type GateClientSettings, gateClientSettings } from '../../model/gate-client/settings.ts';
import { parseSettings } from '../../model/problems.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { CliError, exitCode } from './io.ts';

/** Which system's settings: options of the command line, then environment, then the default. */
export interface SettingsChoice {
  readonly settings?: string;
  readonly system?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const defaultSystem = 'stonks-oracle';

/**
 * Reads gate.json of a system.
 * @throws CliError or SettingsError that says which file is wrong, and how
 */
export function readSettings(choice: SettingsChoice): GateClientSettings {
  const system = choice.system ?? choice.env.PIPELINES_SYSTEM ?? defaultSystem;
  const file = choice.settings ?? choice.env.PIPELINES_GATE_SETTINGS ?? path.join('dist', system, 'gate.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CliError(`${file} cannot be read.${hint(file)}`, exitCode.usage);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CliError(`${file} is not JSON; render it again with npm run synth`);
  }
  return parseSettings(file, gateClientSettings, value);
}

/** @throws CliError that lists the stages there are */
export function stageOf(settings: GateClientSettings, name: string): Stage {
  const stage = settings.stages.find((one) => one.name === name);
  if (stage) return stage;
  throw new CliError(
    `there is no stage ${name}; there are ${settings.stages.map((one) => one.name).join(', ')}`,
    exitCode.usage,
  );
}

/** The zone in which times of a stage are printed: its window's, else the first window's, else UTC. */
export function zoneOf(settings: GateClientSettings, stage?: Stage): string {
  return (
    stage?.gate?.window?.timeZone ?? settings.stages.find((one) => one.gate?.window)?.gate?.window?.timeZone ?? 'utc'
  );
}

function hint(file: string): string {
  if (!existsSync('dist')) return ' Run the command in the folder of the repository, or name the file with --settings.';
  const systems = readdirSync('dist').filter((name) => existsSync(path.join('dist', name, 'gate.json')));
  return systems.length === 0
    ? ` Render it with npm run synth (${file}).`
    : ` Systems with a gate: ${systems.join(', ')}.`;
}
