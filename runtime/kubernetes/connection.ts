import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';

/** How to reach one API server, and as whom. */
export interface Connection {
  /** Base URL without a slash at the end. */
  readonly server: string;
  readonly ca?: string | undefined;
  readonly skipTlsVerify?: boolean | undefined;
  readonly serverName?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  /** The bearer token, asked for before every request: tokens of service accounts are renewed on disk. */
  readonly token?: (() => Promise<string>) | undefined;
  /** Namespace of the context, or of the pod. */
  readonly namespace: string;
  /** Name of the context, or `in-cluster`. For messages. */
  readonly context: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

interface NamedCluster {
  name: string;
  cluster: {
    server: string;
    'certificate-authority'?: string;
    'certificate-authority-data'?: string;
    'insecure-skip-tls-verify'?: boolean;
    'tls-server-name'?: string;
  };
}
interface ExecUser {
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  apiVersion?: string;
}
interface NamedUser {
  name: string;
  user: {
    token?: string;
    tokenFile?: string;
    'client-certificate'?: string;
    'client-certificate-data'?: string;
    'client-key'?: string;
    'client-key-data'?: string;
    exec?: ExecUser;
  };
}
interface NamedContext {
  name: string;
  context: { cluster: string; user: string; namespace?: string };
}
interface KubeconfigFile {
  clusters?: NamedCluster[] | null;
  users?: NamedUser[] | null;
  contexts?: NamedContext[] | null;
  'current-context'?: string;
}

/**
 * Finds the API server: the pod's service account inside a cluster (when no KUBECONFIG is set), else the kubeconfig
 * (`KUBECONFIG`, a list of files, or ~/.kube/config).
 *
 * @throws Error naming the file and the missing part
 */
export function connectionFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  contextName?: string,
): Connection {
  const host = env.KUBERNETES_SERVICE_HOST;
  if (!env.KUBECONFIG && contextName === undefined && host && existsSync(join(SERVICE_ACCOUNT, 'token'))) {
    const port = env.KUBERNETES_SERVICE_PORT_HTTPS ?? env.KUBERNETES_SERVICE_PORT ?? '443';
    return {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      ca: readFileSync(join(SERVICE_ACCOUNT, 'ca.crt'), 'utf8'),
      token: async () => readFileSync(join(SERVICE_ACCOUNT, 'token'), 'utf8').trim(),
      namespace: readFileSync(join(SERVICE_ACCOUNT, 'namespace'), 'utf8').trim(),
      context: 'in-cluster',
    };
  }
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  const files = listed.length > 0 ? listed : [join(env.HOME ?? homedir(), '.kube', 'config')];
  return connectionFromKubeconfig(files, contextName);
}

/** Reads kubeconfig files; as in kubectl, the first file that names a cluster, user or context wins. */
export function connectionFromKubeconfig(files: readonly string[], contextName?: string): Connection {
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) {
    throw new Error(`no kubeconfig: ${files.join(', ')} does not exist; set KUBECONFIG to the file of your cluster`);
  }
  const clusters = new Map<string, { entry: NamedCluster; base: string }>();
  const users = new Map<string, { entry: NamedUser; base: string }>();
  const contexts = new Map<string, NamedContext>();
  let current = contextName;
  for (const file of present) {
    const config = (load(readFileSync(file, 'utf8')) ?? {}) as KubeconfigFile;
    const base = dirname(resolve(file));
    for (const entry of config.clusters ?? []) {
      if (!clusters.has(entry.name)) clusters.set(entry.name, { entry, base });
    }
    for (const entry of config.users ?? []) if (!users.has(entry.name)) users.set(entry.name, { entry, base });
    for (const entry of config.contexts ?? []) if (!contexts.has(entry.name)) contexts.set(entry.name, entry);
    current ??= config['current-context'] || undefined;
  }
  const where = present.join(', ');
  if (current === undefined)
    throw new Error(`${where}: no current-context; choose one with kubectl config use-context`);
  const context = contexts.get(current);
  if (context === undefined) throw new Error(`${where}: there is no context ${current}`);
  const cluster = clusters.get(context.context.cluster);
  if (cluster === undefined) {
    throw new Error(`${where}: context ${current} names the cluster ${context.context.cluster}, which is not there`);
  }
  const user = users.get(context.context.user);
  const inline = (data: string | undefined, file: string | undefined, base: string): string | undefined => {
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    return file ? readFileSync(resolve(base, file), 'utf8') : undefined;
  };
  const facts = cluster.entry.cluster;
  const identity = user?.entry.user ?? {};
  return {
    server: facts.server.replace(/\/+$/, ''),
    ca: inline(facts['certificate-authority-data'], facts['certificate-authority'], cluster.base),
    skipTlsVerify: facts['insecure-skip-tls-verify'] === true,
    serverName: facts['tls-server-name'],
    clientCertificate: inline(
      identity['client-certificate-data'],
      identity['client-certificate'],
      user?.base ?? cluster.base,
    ),
    clientKey: inline(identity['client-key-data'], identity['client-key'], user?.base ?? cluster.base),
    token: tokenSource(identity, user?.base ?? cluster.base),
    namespace: context.context.namespace ?? 'default',
    context: current,
  };
}

function tokenSource(identity: NamedUser['user'], base: string): (() => Promise<string>) | undefined {
  const { token, tokenFile, exec } = identity;
  if (tokenFile) return async () => readFileSync(resolve(base, tokenFile), 'utf8').trim();
  if (token) return async () => token;
  if (exec) return execToken(exec);
  return undefined;
}

/** The token of a kubeconfig's `exec` plugin, kept until a minute before it expires. */
function execToken(plugin: ExecUser): () => Promise<string> {
  let held: { token: string; until: number } | undefined;
  return async () => {
    if (held !== undefined && Date.now() < held.until) return held.token;
    const extra = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
    const info = JSON.stringify({
      apiVersion: plugin.apiVersion ?? 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false },
    });
    const { stdout } = await promisify(execFile)(plugin.command, plugin.args ?? [], {
      env: { ...process.env, ...extra, KUBERNETES_EXEC_INFO: info },
    });
    const answer = JSON.parse(stdout) as { status?: { token?: string; expirationTimestamp?: string } };
    const token = answer.status?.token;
    if (!token) throw new Error(`${plugin.command}, the credential plugin of the kubeconfig, gave no token`);
    const expires = answer.status?.expirationTimestamp;
    held = { token, until: expires ? Date.parse(expires) - 60_000 : Number.POSITIVE_INFINITY };
    return token;
  };
}
