import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a repository is and how to log in. */
export interface GitRemote {
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  readonly caFile?: string | undefined;
}

/** Reads the user's name and password of a remote from their files. */
export async function remoteWithCredentials(remote: {
  readonly url: string;
  readonly credentials?: { readonly usernameFile: string; readonly passwordFile: string } | undefined;
  readonly caFile?: string | undefined;
}): Promise<GitRemote> {
  const { url, credentials, caFile } = remote;
  if (credentials === undefined) return { url, caFile };
  const [username, password] = await Promise.all([
    readFile(credentials.usernameFile, 'utf8'),
    readFile(credentials.passwordFile, 'utf8'),
  ]);
  return { url, caFile, credentials: { username: username.trim(), password: password.trim() } };
}

/**
 * Runs git without a terminal, without the user's own configuration, and with the credentials in its environment: never on the
 * command line, in a file or in an error.
 */
export async function git(
  args: readonly string[],
  options: { remote?: GitRemote | undefined; cwd?: string; input?: string } = {},
): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of gitStream(args, options)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** `git` for large output: yields it piece by piece and throws at the end if git failed. */
export async function* gitStream(
  args: readonly string[],
  options: { remote?: GitRemote | undefined; cwd?: string; input?: string } = {},
): AsyncGenerator<Buffer, void, undefined> {
  const child = spawn('git', [...args], {
    cwd: options.cwd,
    env: gitEnvironment(options.remote),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let problem = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problem = (problem + text).slice(-2000);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<number | null>((fulfil, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('git is not installed in this image; use one that has it') : error),
    );
    child.on('close', (code) => fulfil(code));
  });
  ended.catch(() => undefined);
  for await (const piece of child.stdout as AsyncIterable<Buffer>) yield piece;
  const code = await ended;
  if (code !== 0)
    throw new Error(`git ${args[0]}${options.remote ? ` ${options.remote.url}` : ''}: ${gitProblem(problem)}`);
}

function gitEnvironment(remote: GitRemote | undefined): Record<string, string> {
  const config: [string, string][] = [
    ['safe.directory', '*'],
    ['credential.helper', ''],
    ['gc.auto', '0'],
  ];
  if (remote?.credentials !== undefined) {
    const { username, password } = remote.credentials;
    config.push([
      'http.extraHeader',
      `Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    ]);
  }
  if (remote?.caFile !== undefined) config.push(['http.sslCAInfo', remote.caFile]);
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: tmpdir(),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([name, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, name],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  };
}

function gitProblem(text: string): string {
  if (/could not read (Username|Password)|Authentication failed/.test(text)) {
    return 'the server refuses the user or the password';
  }
  const lines = text.split('\n').filter((line) => /^(fatal|error|remote| ! )/.test(line));
  return (lines.length > 0 ? lines : text.trim().split('\n')).slice(0, 5).join('; ') || 'failed without a word';
}

/** Branches and tags of a remote with their commits; empty for an empty repository. */
export async function references(remote: GitRemote): Promise<Record<string, string>> {
  const text = await git(['ls-remote', '--heads', '--tags', '--refs', '--', remote.url], { remote });
  return parseReferences(text);
}

export function parseReferences(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => line.split(/\s+/)).map(([id, name]) => [name ?? '', id ?? '']));
}

/** Calls `use` with a bare copy of all branches and tags, and removes the copy afterwards. */
export async function withMirror<T>(remote: GitRemote, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-'));
  try {
    await git(['init', '--bare', '--quiet', folder]);
    const wanted = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
    await git(['fetch', '--quiet', '--no-tags', '--', remote.url, ...wanted], { remote, cwd: folder });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends all branches and tags of a bare repository; nothing is deleted there and nothing rewound. */
export async function pushAll(folder: string, remote: GitRemote): Promise<void> {
  await git(['push', '--quiet', '--atomic', '--', remote.url, 'refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*'], {
    remote,
    cwd: folder,
  });
}
