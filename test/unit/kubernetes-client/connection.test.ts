import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { connectionFromEnvironment } from '../../../runtime/kubernetes/connection.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const config = (extra = ''): string => `
apiVersion: v1
kind: Config
current-context: home
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443/", certificate-authority: ca.pem}}]
contexts: [{name: home, context: {cluster: c, user: u, namespace: kargo}}, {name: broken, context: {cluster: gone, user: u}}]
users: [{name: u, user: {${extra}}}]
`;

test('reads server, authority, namespace and token of the current context', async () => {
  file('ca.pem', 'CA');
  const KUBECONFIG = file('one', config('token: abc'));
  const connection = connectionFromEnvironment({ KUBECONFIG });
  expect(connection).toMatchObject({
    server: 'https://10.0.0.1:6443',
    ca: 'CA',
    namespace: 'kargo',
    context: 'home',
    skipTlsVerify: false,
  });
  expect(await connection.token?.()).toBe('abc');
});

test('takes client certificates inline and a token from a file that changes', async () => {
  file('ca.pem', 'CA');
  const certificate = Buffer.from('CERT').toString('base64');
  const first = connectionFromEnvironment({
    KUBECONFIG: file('two', config(`client-certificate-data: ${certificate}`)),
  });
  expect(first.clientCertificate).toBe('CERT');
  expect(first.token).toBeUndefined();
  file('token', 'one');
  const second = connectionFromEnvironment({ KUBECONFIG: file('three', config('tokenFile: token')) });
  expect(await second.token?.()).toBe('one');
  file('token', 'two');
  expect(await second.token?.()).toBe('two');
});

test('asks the credential plugin of the kubeconfig', async () => {
  file('ca.pem', 'CA');
  const script = `console.log(JSON.stringify({status: {token: 'from-' + JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind}}))`;
  const plugin = JSON.stringify({
    command: process.execPath,
    args: ['-e', script],
    apiVersion: 'client.authentication.k8s.io/v1',
  });
  const connection = connectionFromEnvironment({ KUBECONFIG: file('four', config(`exec: ${plugin}`)) });
  expect(await connection.token?.()).toBe('from-ExecCredential');
});

test('says which file, context or cluster is missing', () => {
  file('ca.pem', 'CA');
  expect(() => connectionFromEnvironment({ KUBECONFIG: join(folder, 'none') })).toThrow(/none does not exist/);
  const KUBECONFIG = file('five', config());
  expect(() => connectionFromEnvironment({ KUBECONFIG }, 'other')).toThrow('there is no context other');
  expect(() => connectionFromEnvironment({ KUBECONFIG }, 'broken')).toThrow('names the cluster gone');
});
