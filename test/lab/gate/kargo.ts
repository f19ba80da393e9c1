import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dump } from 'js-yaml';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { address, freight, json, mergePatch, project, stageObject, warehouse } from '../../support/gate/cluster.ts';
import { alice, bob } from '../../support/gate/example.ts';
import { type Answer, type Plane, startPlane } from '../../support/plane.ts';
import { freePorts, output, stop, until } from '../../support/processes.ts';
import { labProgram } from '../lab.ts';
import { clientId, type IdentityProvider, startIdentityProvider } from './identity-provider.ts';

/** The real Kargo over a real API server: controller, API server and webhooks, each as its own service account. */
export interface KargoWorld {
  readonly plane: Plane;
  /** The Freight that is there from the beginning; Kargo names it after its content. */
  readonly freight: string;
  /** Kargo's REST API. */
  readonly url: string;
  /** A token of an e-mail address, or of `admin`. */
  token(who: string): string;
  /** Calls Kargo's REST API. @param who an e-mail address, or `admin` for the shared account */
  kargo(who: string, method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
  /** The promotions of a stage, oldest first. */
  promotions(stage: string): Promise<readonly KargoPromotion[]>;
  /** Makes Kargo look at an object now, as its dashboard does. */
  refresh(resource: string, name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface KargoPromotion {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly phase?: string; readonly message?: string; readonly startedAt?: string };
}

const accounts = ['kargo-controller', 'kargo-api', 'kargo-management-controller', 'kargo-webhooks-server'];
const adminPassword = 'admin';
/** bcrypt of the password above. */
const adminHash = '$2a$10$Zrhhie4vLz5ygtVSaif6o.qN36jgs6vjtMBdM6yrU1FOeiAAMMxOm';
const hour = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } };

export async function startKargo(): Promise<KargoWorld> {
  const plane = await startPlane({ crds: ['kargo', 'argo-cd'], controllers: false });
  const identities = await startIdentityProvider();
  const [apiPort = 0, webhookPort = 0] = await freePorts(2);
  await prepare(plane);
  const children: ChildProcess[] = [];
  const start = async (command: string, account: string, env: Record<string, string>) => {
    const log = openSync(path.join(plane.folder, `log/kargo-${command}.log`), 'a');
    const child = spawn(labProgram('kargo'), [command], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: plane.folder,
        KUBECONFIG: await kubeconfig(plane, account),
        KARGO_NAMESPACE: 'kargo',
        SHARED_RESOURCES_NAMESPACE: 'kargo-shared-resources',
        SYSTEM_RESOURCES_NAMESPACE: 'kargo-system-resources',
        ROLLOUTS_INTEGRATION_ENABLED: 'false',
        LOG_LEVEL: 'DEBUG',
        ...env,
      },
      stdio: ['ignore', log, log],
    });
    children.push(child);
  };
  await start('kubernetes-webhooks-server', 'kargo-webhooks-server', {
    WEBHOOK_SERVER_PORT: String(webhookPort),
    TMPDIR: await certificate(plane),
    CONTROLPLANE_USER_REGEX:
      '^system:serviceaccount:kargo:(kargo-api|kargo-controller|kargo-garbage-collector|kargo-management-controller)$',
    MANAGEMENT_CONTROLLER_USERNAME: 'system:serviceaccount:kargo:kargo-management-controller',
  });
  await registerWebhooks(plane, webhookPort);
  await start('api', 'kargo-api', {
    BIND_ADDRESS: '127.0.0.1',
    PORT: String(apiPort),
    SECRET_MANAGEMENT_ENABLED: 'true',
    ADMIN_ACCOUNT_ENABLED: 'true',
    ADMIN_ACCOUNT_PASSWORD_HASH: adminHash,
    ADMIN_ACCOUNT_TOKEN_SIGNING_KEY: 'only-for-this-test',
    ADMIN_ACCOUNT_TOKEN_ISSUER: 'http://127.0.0.1',
    ADMIN_ACCOUNT_TOKEN_AUDIENCE: 'localhost',
    OIDC_ENABLED: 'true',
    OIDC_ISSUER_URL: identities.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_USERNAME_CLAIM: 'email',
    GLOBAL_SERVICE_ACCOUNT_NAMESPACES: 'kargo',
  });
  const base = `http://127.0.0.1:${apiPort}`;
  await until('Kargo answers', async () => ((await fetch(`${base}/healthz`)).ok ? true : undefined), 120_000);
  await until('its webhooks answer', async () => {
    const probe = await plane.request(
      'POST',
      `${address('kargo/stages', { namespace: project })}?dryRun=All`,
      stageObject('probe'),
    );
    return probe.status === 201 ? true : undefined;
  });
  const freightName = await define(plane);
  await start('controller', 'kargo-controller', {
    IS_DEFAULT_CONTROLLER: 'true',
    ARGOCD_INTEGRATION_ENABLED: 'false',
  });
  const login = await fetch(`${base}/v1beta1/login`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminPassword}` },
  });
  const { idToken } = (await login.json()) as { idToken: string };
  const token = (who: string) => (who === 'admin' ? idToken : identities.token(who));
  return {
    plane,
    freight: freightName,
    url: base,
    token,
    kargo: (who, method, target, body, contentType = json) => call(base, token(who), method, target, body, contentType),
    async promotions(stage) {
      const { body } = await plane.request('GET', address('kargo/promotions', { namespace: project }));
      const all = body.items as Array<KargoPromotion & { spec: { stage: string } }>;
      return all.filter((one) => one.spec.stage === stage).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },
    async refresh(resource, name) {
      const annotations = { 'kargo.akuity.io/refresh': new Date().toISOString() };
      const target = address(resource, { namespace: project, name });
      await plane.request('PATCH', target, { metadata: { annotations } }, { contentType: mergePatch });
    },
    async stop() {
      await Promise.all(children.map((child) => stop(child)));
      await Promise.all([plane.stop(), (identities as IdentityProvider).stop()]);
    },
  };
}

async function call(
  base: string,
  token: string,
  method: string,
  target: string,
  body: unknown,
  contentType: string,
): Promise<Answer> {
  const response = await fetch(base + target, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': contentType }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

/** Namespaces, accounts and rights. The rights are wide on purpose: what refuses is to be the gate. */
async function prepare(plane: Plane): Promise<void> {
  const namespace = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  });
  const account = (name: string, where: string, annotations: Record<string, string> = {}): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: where, annotations },
  });
  await plane.apply([
    ...['kargo', 'kargo-shared-resources', 'kargo-system-resources', 'argocd'].map((name) => namespace(name)),
    namespace(project, { 'kargo.akuity.io/project': 'true' }),
  ]);
  const claims = {
    'rbac.kargo.akuity.io/claims': JSON.stringify({ email: [alice, bob].map((actor) => actor.replace('email:', '')) }),
  };
  await plane.apply([
    ...accounts.map((name) => account(name, 'kargo')),
    account('people', project, claims),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'lab' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [
        ...accounts.map((name) => ({ kind: 'ServiceAccount', name, namespace: 'kargo' })),
        { kind: 'ServiceAccount', name: 'people', namespace: project },
      ],
    } as KubernetesObject,
  ]);
}

/** beta takes builds from the Warehouse, paper from beta (by itself), live from paper. */
async function define(plane: Plane): Promise<string> {
  const stage = (name: string, sources: unknown): KubernetesObject => ({
    ...stageObject(name),
    spec: {
      requestedFreight: [{ origin: { kind: 'Warehouse', name: 'images' }, sources }],
      promotionTemplate: { spec: { steps: [{ uses: 'compose-output', as: 'done', config: { result: 'done' } }] } },
    },
  });
  await plane.apply([
    { apiVersion: 'kargo.akuity.io/v1alpha1', kind: 'Project', metadata: { name: project } },
    {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'ProjectConfig',
      metadata: { name: project, namespace: project },
      spec: { promotionPolicies: [{ stageSelector: { name: 'paper' }, autoPromotionEnabled: true }] },
    },
    // Asked so rarely that the test never meets it: the registry is not there.
    { ...warehouse, spec: { ...warehouse.spec, interval: '24h0m0s' } },
    stage('beta', { direct: true }),
    stage('paper', { stages: ['beta'] }),
    stage('live', { stages: ['paper'] }),
  ]);
  const made = await plane.request('POST', address('kargo/freights', { namespace: project }), freight);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body.metadata.name as string;
}

async function kubeconfig(plane: Plane, account: string): Promise<string> {
  const target = `${address('serviceaccounts', { namespace: 'kargo', name: account })}/token`;
  const { body } = await plane.request('POST', target, hour);
  const file = path.join(plane.folder, `kubeconfig-${account}`);
  writeFileSync(
    file,
    dump({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'lab', cluster: { server: plane.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: account, user: { token: body.status.token } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: account } }],
      'current-context': 'lab',
    }),
    { mode: 0o600 },
  );
  return file;
}

const certificates = 'k8s-webhook-server/serving-certs';

/** A certificate for 127.0.0.1 where Kargo's webhooks look for it; gives the folder above. */
async function certificate(plane: Plane): Promise<string> {
  const folder = path.join(plane.folder, certificates);
  mkdirSync(folder, { recursive: true });
  await output('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=kargo-webhooks'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', path.join(folder, 'tls.key'), '-out', path.join(folder, 'tls.crt')],
  ]);
  return plane.folder;
}

/** As Kargo's chart registers them, with an address instead of a Service. */
async function registerWebhooks(plane: Plane, port: number): Promise<void> {
  const caBundle = readFileSync(path.join(plane.folder, certificates, 'tls.crt')).toString('base64');
  const hook = (verb: 'mutate' | 'validate', plural: string, operations: readonly string[], resources = [plural]) => ({
    name: `${plural}.kargo.akuity.io`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    clientConfig: {
      url: `https://127.0.0.1:${port}/${verb}-kargo-akuity-io-v1alpha1-${plural.slice(0, -1)}`,
      caBundle,
    },
    rules: [{ apiGroups: ['kargo.akuity.io'], apiVersions: ['v1alpha1'], resources, operations, scope: '*' }],
  });
  const write = ['CREATE', 'UPDATE'];
  await plane.apply([
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'kargo' },
      webhooks: ['freights', 'promotions', 'stages', 'warehouses'].map((plural) => hook('mutate', plural, write)),
    } as KubernetesObject,
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'kargo' },
      webhooks: [
        hook('validate', 'freights', [...write, 'DELETE'], ['freights', 'freights/status']),
        hook('validate', 'projects', write),
        hook('validate', 'projectconfigs', write),
        hook('validate', 'promotions', [...write, 'DELETE']),
        hook('validate', 'stages', write),
        hook('validate', 'warehouses', write),
      ],
    } as KubernetesObject,
  ]);
}
