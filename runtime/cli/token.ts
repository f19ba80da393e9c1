import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { load } from 'js-yaml';
import type { GateClientSettings } from '../../model/gate-client/settings.ts';
import { tokenOwner } from '../desk/server/token.ts';
import { CliError, type Io } from './io.ts';

/** The user's own Kargo token and whom it names. */
export interface Login {
  readonly token: string;
  /** As Kargo will write it. Read from the token for display; Kargo itself decides. */
  readonly actor: string;
}

/**
 * The token, from --token-file, KARGO_API_TOKEN, or the log-in of Kargo's own command line (`kargo login`). It is never an
 * argument: arguments can be read by everybody on the machine.
 *
 * @throws CliError that says how to log in
 */
export function login(settings: GateClientSettings, io: Pick<Io, 'env' | 'now'>, tokenFile?: string): Login {
  const token =
    (tokenFile === undefined ? undefined : readToken(tokenFile)) ??
    io.env.KARGO_API_TOKEN?.trim() ??
    fromKargo(settings, io.env);
  if (!token) {
    throw new CliError(
      `not logged in to Kargo. Run: kargo login ${settings.kargoUrl} --sso (or set KARGO_API_TOKEN, or name a file with --token-file)`,
    );
  }
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw new CliError('the token holds characters that no token has; log in again');
  const owner = tokenOwner(token, settings.usernameClaim);
  if (owner.expires && owner.expires.getTime() <= io.now().toMillis()) {
    throw new CliError(
      `the log-in to Kargo has expired (${owner.expires.toISOString()}). Run: kargo login ${settings.kargoUrl} --sso`,
    );
  }
  return { token, actor: owner.actor };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CliError(
      `${file}: the token cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`,
    );
  }
}

/** What `kargo login` has stored, if it is for this very server. */
function fromKargo(settings: GateClientSettings, env: Io['env']): string | undefined {
  const folder = env.XDG_CONFIG_HOME || path.join(env.HOME ?? homedir(), '.config');
  let config: { apiAddress?: unknown; bearerToken?: unknown };
  try {
    config = (load(readFileSync(path.join(folder, 'kargo', 'config'), 'utf8')) ?? {}) as typeof config;
  } catch {
    return undefined;
  }
  const address = typeof config.apiAddress === 'string' ? config.apiAddress.replace(/\/+$/, '') : '';
  return address === settings.kargoUrl && typeof config.bearerToken === 'string' ? config.bearerToken : undefined;
}
