import { load, loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import type { SensorSpec } from '../../../constructs/argo-events/index.ts';
import type { WorkflowSpec } from '../../../constructs/argo-workflows/index.ts';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import type { DeliverySettings } from '../../../model/delivery/index.ts';
import { parseRepositoryUrl } from '../../../model/forge-url/index.ts';
import { tagPolicy, tagsFor } from '../../../model/tag-policy.ts';
import { part } from '../../support/chart.ts';
import { fileText, objectNamed, objectsIn, renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('luban-ci');
const objects = objectsIn(files);
const ofKind = (kind: string, namespace?: string) =>
  objects.filter(
    (object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace),
  );
const named = (kind: string, name: string, namespace?: string) => objectNamed(files, kind, name, namespace);
const spec = <Shape>(object: KubernetesObject) => part<Shape>(object, 'spec');
const delivery = JSON.parse(fileText(files, 'delivery.json')) as DeliverySettings;
const plan = fileText(files, 'install/plan.tsv');

const endpoints = [
  ['github', 12000, '/github/push'],
  ['azure', 13000, '/azure/push'],
  ['ado', 13100, '/ado/push'],
] as const;
const tenants = ['payments', 'data'] as const;
const applications = { payments: 'ledger', data: 'sales' } as const;

interface Source {
  readonly github?: {
    readonly push: { readonly webhook: Endpoint; readonly webhookSecret: { readonly name: string } };
  };
  readonly webhook?: { readonly push: Endpoint & { readonly authSecret: { readonly name: string } } };
}
interface Endpoint {
  readonly endpoint: string;
  readonly port: string;
}
interface Route {
  readonly hostnames: readonly string[];
  readonly parentRefs: ReadonlyArray<{ readonly name: string; readonly namespace: string }>;
  readonly rules: ReadonlyArray<{
    readonly matches: ReadonlyArray<{ readonly path: { readonly value: string } }>;
    readonly backendRefs: ReadonlyArray<{ readonly name: string; readonly port: number }>;
  }>;
}
interface ApplicationSpec {
  readonly source: { readonly repoURL: string; readonly targetRevision: string; readonly path: string };
  readonly destination: { readonly namespace: string };
  readonly syncPolicy: { readonly automated?: { readonly prune: boolean; readonly selfHeal: boolean } };
}
interface ImageSpec {
  readonly tag: string;
  readonly builder: { readonly kind: string; readonly name: string };
  readonly serviceAccountName: string;
  readonly imageTaggingStrategy: string;
  readonly source: { readonly git: { readonly url: string } };
}

describe('the 31 checks of requirements/003', () => {
  test('check 1: the platform is assumed: its custom resources are required before anything changes, and none is rendered', () => {
    const required = plan.split('\n').find((line) => line.startsWith('preflight\trequire-crds')) ?? '';
    for (const crd of [
      'eventbus.argoproj.io',
      'workflowtemplates.argoproj.io',
      'images.kpack.io',
      'applications.argoproj.io',
      'httproutes.gateway.networking.k8s.io',
      'certificates.cert-manager.io',
    ]) {
      expect(required).toContain(crd);
    }
    expect(required).toContain('luban-bootstrapper');
    const made = new Set(ofKind('Namespace').map((object) => object.metadata.name));
    for (const name of [
      'argo',
      'argo-events',
      'argocd',
      'kpack',
      'harbor',
      'gateway',
      'envoy-gateway-system',
      'cert-manager',
      'kubernetes-replicator',
    ]) {
      expect(made).not.toContain(name);
    }
    expect(ofKind('CustomResourceDefinition')).toEqual([]);
  });

  test('check 2: the event bus `default` of luban-ci runs on JetStream with a volume', () => {
    const bus = spec<{ jetstream?: { replicas: number; persistence?: object }; nats?: object }>(
      named('EventBus', 'default', 'luban-ci'),
    );
    expect(bus.jetstream?.replicas).toBe(3);
    expect(bus.jetstream?.persistence).toBeDefined();
    expect(bus.nats).toBeUndefined();
  });

  test.each(endpoints)(
    'check 3: %s has one port and one path, in event source, Service, route and hook, and a secret',
    (forge, port, path) => {
      const source = spec<Source>(named('EventSource', forge, 'luban-ci'));
      const endpoint = source.github?.push.webhook ?? source.webhook?.push;
      const secret = source.github?.push.webhookSecret ?? source.webhook?.push.authSecret;
      const route = spec<Route>(named('HTTPRoute', `${forge}-webhook`, 'luban-ci'));
      const service = spec<{ ports: Array<{ port: number }> }>(named('Service', `${forge}-webhook`, 'luban-ci'));
      expect([endpoint?.endpoint, endpoint?.port]).toEqual([path, String(port)]);
      expect(service.ports[0]?.port).toBe(port);
      expect(route.rules[0]?.backendRefs).toEqual([{ name: `${forge}-webhook`, port }]);
      expect(route.rules[0]?.matches[0]?.path.value).toBe(path);
      expect(plan).toContain(`Webhook of ${forge}\turl=https://${route.hostnames[0]}${path}`);
      const hook = delivery.forges.find(({ name }) => name === forge)?.hook;
      // A forge that no tenant uses has an endpoint, and nobody is told of it.
      if (forge !== 'ado') expect(hook).toBe(`https://${route.hostnames[0]}${path}`);
      expect(secret?.name).toBe(`webhook-${forge}`);
      expect(plan).toContain(`secret\tnamespace=luban-ci\tname=webhook-${forge}\tkeys=secret:random`);
    },
  );

  test('check 4: every route hangs on luban-gateway, at a host that one of its listeners takes', () => {
    const listeners = ['*.luban.metasync.cc', '*.apps.luban.metasync.cc', '*.snd.apps.luban.metasync.cc'];
    const scaffolds = files
      .filter((file) => file.path.endsWith('/environment.yaml'))
      .flatMap((file) => loadAll(file.content) as KubernetesObject[])
      .filter((object) => object.kind === 'HTTPRoute');
    const routes = [...ofKind('HTTPRoute'), ...scaffolds].map((object) => spec<Route>(object));
    expect(routes.length).toBe(endpoints.length + 2 + 2);
    for (const route of routes) {
      expect(route.parentRefs).toMatchObject([{ name: 'luban-gateway', namespace: 'gateway' }]);
      for (const host of route.hostnames) expect(listeners).toContain(host.replace(/^[^.]+/, '*'));
    }
  });

  test('check 5: the sensor of every forge gives the same parameters, by their names', () => {
    const given = endpoints.map(([forge]) => {
      const { argoWorkflow } = spec<SensorSpec>(named('Sensor', forge)).triggers[0]?.template ?? {};
      const names = argoWorkflow?.source.resource.spec.arguments.parameters.map(({ name }) => name);
      for (const { dest } of argoWorkflow?.parameters ?? []) {
        const name = /^spec\.arguments\.parameters\.#\(name=="([a-z]+)"\)\.value$/.exec(dest)?.[1];
        expect(names).toContain(name);
      }
      expect(argoWorkflow?.parameters).toHaveLength(3);
      return names;
    });
    const dispatcher = spec<WorkflowSpec>(named('WorkflowTemplate', 'dispatcher', 'luban-ci'));
    const taken = dispatcher.arguments?.parameters.map(({ name }) => name);
    expect(taken).toEqual(['forge', 'url', 'ref', 'revision']);
    for (const names of given) expect(names).toEqual(taken);
  });

  test.each(endpoints)(
    'check 6: of %s only pushes of commits start something: no deletions, no overlays, no push of our own',
    (forge) => {
      const filters = spec<SensorSpec>(named('Sensor', forge)).dependencies[0]?.filters;
      expect(filters?.dataLogicalOperator).toBe('and');
      const passes = (event: unknown) =>
        (filters?.data ?? []).every(({ path, comparator, value }) => {
          const at = path
            .split('.')
            .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], event);
          return at !== undefined && new RegExp(value[0]).test(String(at)) === (comparator === '=');
        });
      const event = (
        change: { kind?: string; ref?: string; commit?: string; repository?: string; by?: string } = {},
      ) => {
        const {
          kind,
          ref = 'refs/heads/main',
          commit = 'a'.repeat(40),
          repository = 'ledger',
          by = 'a person',
        } = change;
        return forge === 'github'
          ? {
              headers: { 'X-Github-Event': [kind ?? 'push'] },
              body: { ref, after: commit, repository: { name: repository }, pusher: { name: by } },
            }
          : {
              body: {
                eventType: kind ?? 'git.push',
                resource: {
                  refUpdates: [{ name: ref, newObjectId: commit }],
                  repository: { name: repository },
                  pushedBy: { uniqueName: by },
                },
              },
            };
      };
      expect(passes(event())).toBe(true);
      expect(passes(event({ ref: 'refs/tags/v1.2.3' }))).toBe(true);
      expect(passes(event({ repository: 'gitops-tools' }))).toBe(true);
      const own = forge === 'github' ? 'luban-delivery' : 'delivery@metasync.cc';
      for (const change of [
        { kind: 'ping' },
        { kind: 'pull_request' },
        { commit: '0'.repeat(40) },
        { commit: 'abc' },
        { repository: 'ledger-gitops' },
        { by: own },
        { ref: 'refs/notes/x' },
      ]) {
        expect(passes(event(change)), JSON.stringify(change)).toBe(false);
      }
    },
  );

  test('check 7: the dispatcher knows the tenant of every repository, however its address is written', () => {
    const place = (url: string) => parseRepositoryUrl(url, delivery.forges);
    expect(place('git@github.com:metasync-payments/ledger.git')).toEqual(delivery.applications[0]?.source);
    expect(place('https://metasync.visualstudio.com/DefaultCollection/data/_git/sales')).toEqual(
      delivery.applications[1]?.source,
    );
    expect(delivery.applications.map(({ ciNamespace }) => ciNamespace)).toEqual(['ci-payments', 'ci-data']);
    for (const tenant of tenants) {
      const binding = named('RoleBinding', 'dispatch', `ci-${tenant}`);
      expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'dispatcher', namespace: 'luban-ci' }]);
      expect(named('Role', 'dispatch', `ci-${tenant}`)['rules']).toEqual([
        { apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create'] },
      ]);
    }
  });

  test("check 8: each application is built by luban-builder in its tenant's CI namespace, as workflow-runner", () => {
    const images = ofKind('Image');
    expect(images.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()).toEqual([
      'ci-data/sales',
      'ci-payments/ledger',
    ]);
    for (const image of images) {
      expect(spec<ImageSpec>(image)).toMatchObject({
        builder: { kind: 'ClusterBuilder', name: 'luban-builder' },
        serviceAccountName: 'workflow-runner',
      });
    }
    expect(spec<ImageSpec>(named('Image', 'ledger')).tag).toMatch(/^harbor\.luban\.metasync\.cc\/payments\/ledger:/);
  });

  test.each(tenants)(
    'check 9: a build of %s waits as long as the settings say, and a failure ends the workflow',
    (tenant) => {
      expect(delivery.timeouts).toEqual({ buildAppears: 600, buildEnds: 3600 });
      const workflow = spec<WorkflowSpec>(named('WorkflowTemplate', 'build', `ci-${tenant}`));
      const build = workflow.templates.find(({ name }) => name === 'build');
      expect(build?.activeDeadlineSeconds).toBeGreaterThan(600 + 3600);
      expect(build?.retryStrategy).toBeUndefined();
      // Two pushes of one application take turns: neither takes the other's revision away before kpack has seen it.
      expect(build?.synchronization?.mutexes).toEqual([{ name: 'builds-{{workflow.parameters.application}}' }]);
      expect(workflow.templates[0]?.dag?.tasks).toEqual([
        { name: 'build', template: 'build' },
        { name: 'deploy', template: 'deploy', dependencies: ['build'] },
      ]);
    },
  );

  test('check 10: the commit is the tag; a Git tag adds its version without v; no tag is moved by a count', () => {
    const policy = tagPolicy(delivery.tags);
    const sha = 'c'.repeat(40);
    expect(tagsFor(policy, { kind: 'push', sha, branch: 'main' })).toEqual({ tags: [sha], deployTag: sha });
    expect(tagsFor(policy, { kind: 'tag', sha, tag: 'v1.2.3' })).toEqual({ tags: ['1.2.3', sha], deployTag: '1.2.3' });
    for (const image of ofKind('Image')) expect(spec<ImageSpec>(image).imageTaggingStrategy).toBe('None');
  });

  test.each(tenants)(
    'check 11: the image of %s is written to the overlay that the sandbox follows, one writer at a time',
    (tenant) => {
      expect(delivery.branches.sandbox).toBe('develop');
      expect(delivery.overlays.sandbox).toBe('app/overlays/snd');
      const name = applications[tenant];
      expect(fileText(files, `scaffolds/${tenant}/${name}-gitops/app/overlays/snd/kustomization.yaml`)).toContain(
        'name: application',
      );
      const workflow = spec<WorkflowSpec>(named('WorkflowTemplate', 'build', `ci-${tenant}`));
      const deploy = workflow.templates.find((template) => template.name === 'deploy');
      expect(deploy?.synchronization?.mutexes).toEqual([{ name: 'overlays-{{workflow.parameters.application}}' }]);
    },
  );

  test.each(tenants)(
    'check 12: the sandbox of %s follows develop by itself, production follows main by hand',
    (tenant) => {
      const name = applications[tenant];
      const sandbox = spec<ApplicationSpec>(named('Application', `snd-${tenant}-${name}`, 'argocd'));
      const production = spec<ApplicationSpec>(named('Application', `prd-${tenant}-${name}`, 'argocd'));
      expect(sandbox.source).toMatchObject({ targetRevision: 'develop', path: 'app/overlays/snd' });
      expect(sandbox.syncPolicy.automated).toEqual({ prune: true, selfHeal: true });
      expect(sandbox.destination.namespace).toBe(`snd-${tenant}`);
      expect(production.source).toMatchObject({ targetRevision: 'main', path: 'app/overlays/prd' });
      expect(production.syncPolicy.automated).toBeUndefined();
      expect(production.destination.namespace).toBe(`prd-${tenant}`);
    },
  );

  test("check 13: a promotion proposes the sandbox's image for production's overlay by a pull request to main", () => {
    expect(delivery.branches.production).toBe('main');
    expect(delivery.overlays.production).toBe('app/overlays/prd');
    for (const tenant of tenants) {
      const workflow = spec<WorkflowSpec>(named('WorkflowTemplate', 'promote', `ci-${tenant}`));
      expect(workflow.arguments?.parameters.map(({ name }) => name)).toEqual(['application']);
      expect(workflow.templates.map(({ container }) => container?.args)).toContainEqual(['promote']);
    }
    expect(new Set(delivery.forges.map(({ kind }) => kind))).toEqual(new Set(['github', 'azure-devops']));
  });

  test('check 14: a promotion is started by hand, and by a Git tag', () => {
    expect(delivery.workflows.release).toBe('release');
    for (const tenant of tenants) {
      const release = spec<WorkflowSpec>(named('WorkflowTemplate', 'release', `ci-${tenant}`));
      expect(release.templates[0]?.dag?.tasks.map(({ name }) => name)).toEqual(['build', 'promote']);
      const developer = part<Array<{ resources: string[]; verbs: string[] }>>(
        named('Role', 'project-developer', `ci-${tenant}`),
        'rules',
      );
      expect(
        developer.some(({ resources, verbs }) => resources.includes('workflows') && verbs.includes('create')),
      ).toBe(true);
    }
  });

  test("check 15: nothing that runs may merge: production's branch takes reviewed pull requests, and Argo CD waits for a person", () => {
    for (const object of ofKind('Application').filter(({ metadata }) => metadata.name.startsWith('prd-'))) {
      expect(spec<ApplicationSpec>(object).syncPolicy.automated).toBeUndefined();
    }
    expect(fileText(files, 'gitops/control/dispatcher.yaml')).toContain('required_approving_review_count');
  });

  test('check 16: store, stack, lifecycle and builder name images that cannot change under them', () => {
    const kinds = ['ClusterStore', 'ClusterStack', 'ClusterLifecycle', 'ClusterBuilder'];
    const found = objects.filter(({ kind }) => kinds.includes(kind));
    expect(found.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual([
      'ClusterBuilder/luban-builder',
      'ClusterLifecycle/luban-lifecycle',
      'ClusterStack/luban-stack',
      'ClusterStore/luban-store',
    ]);
    const images = JSON.stringify(found).match(/"image":"[^"]+"/g) ?? [];
    expect(images).toHaveLength(4);
    for (const image of images) expect(image).toMatch(/:(al2023-[0-9a-f]{10}|\d+\.\d+\.\d+(-[0-9a-f]{10})?)"$/);
  });

  test.each(['run', 'build'])('check 17: the %s image is minimal Amazon Linux 2023 and ends as user 1000', (name) => {
    const text = fileText(files, `platform/stack/${name}.Dockerfile`);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const bases = lines.filter((line) => line.startsWith('FROM'));
    expect(bases.at(-1)).toMatch(/amazonlinux:2023\.[\d.]+-minimal$/);
    expect(bases.every((line) => !line.includes(':latest'))).toBe(true);
    expect(lines.at(-1)).toBe('USER 1000:1000');
    expect(text).toContain('useradd --uid 1000 --gid 1000');
    if (name === 'run') expect(text).not.toMatch(/\bgcc\b|\bmake\b|\bgit\b/);
  });

  test('check 18: builder.toml and buildpack.toml name the same buildpack, with API 0.10 and both programs', () => {
    const folder = 'platform/buildpacks/python-uv';
    const buildpack = fileText(files, `${folder}/buildpack.toml`);
    expect(buildpack).toContain('api = "0.10"');
    const version = /^version = "(.+)"$/m.exec(buildpack)?.[1];
    const builder = fileText(files, 'platform/stack/builder.toml');
    expect(builder).toContain(`id = "luban/python-uv"\nversion = "${version}"`);
    for (const program of ['detect', 'build']) {
      expect(files.find((file) => file.path === `${folder}/bin/${program}`)?.executable).toBe(true);
    }
    const store = JSON.stringify(named('ClusterStore', 'luban-store'));
    expect(store).toContain(/uri = "docker:\/\/(.+)"/.exec(builder)?.[1]);
  });

  test('check 19: the buildpack says that it writes bills of materials, and writes them', () => {
    const folder = 'platform/buildpacks/python-uv';
    expect(fileText(files, `${folder}/buildpack.toml`)).toContain('sbom-formats = ["application/vnd.cyclonedx+json"]');
    expect(fileText(files, `${folder}/bin/build`)).toContain('launch.sbom.cdx.json');
  });

  test('check 20: Python is what .python-version says, and dependencies are what uv.lock says', () => {
    const build = fileText(files, 'platform/buildpacks/python-uv/bin/build');
    expect(build).toContain('uv sync --frozen --no-dev');
    expect(build).toContain('if [[ -f .python-version ]]');
    expect(fileText(files, 'scaffolds/payments/ledger/.python-version')).toBe('3.12\n');
  });

  test('check 21: what a provisioner did is rendered; what is left are six commands of one program', () => {
    const program = fileText(files, 'gitops/control/dispatcher.yaml');
    for (const command of ['dispatch', 'build', 'deploy', 'promote', 'provision', 'registry']) {
      expect(program).toMatch(new RegExp(`${command} {2,}[a-z]`));
    }
    // No object holds YAML that a shell would fill in.
    for (const object of ofKind('WorkflowTemplate'))
      expect(JSON.stringify(object)).not.toMatch(/<<|\bsh\b.*-c|kubectl apply/);
  });

  test.each(tenants)('check 22: tenant %s has its namespaces, accounts, roles and projects', (tenant) => {
    for (const prefix of ['ci', 'snd', 'prd']) {
      const namespace = `${prefix}-${tenant}`;
      expect(named('Namespace', namespace).metadata.labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted');
      for (const name of ['project-admin', 'project-developer']) {
        named('ServiceAccount', name, namespace);
        const groups = part<Array<{ kind: string; name: string }>>(named('RoleBinding', name, namespace), 'subjects');
        expect(groups.some(({ kind }) => kind === 'Group')).toBe(true);
      }
    }
    named('ServiceAccount', 'workflow-runner', `ci-${tenant}`);
    for (const prefix of ['snd', 'prd']) {
      const project = spec<{ sourceRepos: string[]; destinations: Array<{ namespace: string }> }>(
        named('AppProject', `${prefix}-${tenant}`, 'argocd'),
      );
      expect(project.destinations.map(({ namespace }) => namespace)).toEqual([`${prefix}-${tenant}`]);
      expect(project.sourceRepos).toHaveLength(1);
      expect(project.sourceRepos[0]).toContain('-gitops');
    }
    expect(delivery.registry.api).toBe('https://harbor.luban.metasync.cc');
  });

  test('check 23: each application has the files that its two repositories start from', () => {
    const paths = files.map((file) => file.path);
    for (const tenant of tenants) {
      const name = applications[tenant];
      for (const file of [
        'base/kustomization.yaml',
        'base/workload.yaml',
        'overlays/snd/kustomization.yaml',
        'overlays/prd/kustomization.yaml',
      ]) {
        expect(paths).toContain(`scaffolds/${tenant}/${name}-gitops/app/${file}`);
      }
      for (const file of ['pyproject.toml', '.python-version', 'Procfile', 'README.md']) {
        expect(paths).toContain(`scaffolds/${tenant}/${name}/${file}`);
      }
    }
    expect(paths).toContain('scaffolds/payments/ledger/uv.lock');
  });

  test('check 24: a copied Secret has one owner and one list of namespaces, and every namespace that reads it is on the list', () => {
    const key = 'replicator.v1.mittwald.de/replicate-to';
    const lists = new Map(
      ofKind('Secret', 'luban-ci').map(({ metadata }) => [
        metadata.name,
        (metadata.annotations?.[key] ?? '').split(','),
      ]),
    );
    expect([...lists.keys()].sort()).toEqual(['forge-azure', 'forge-github', 'registry-pull', 'registry-push']);
    for (const [name, namespaces] of lists) {
      expect(plan).toContain(`require-secret\tnamespace=luban-ci\tname=${name}\t`);
      // No stub beside the source.
      for (const namespace of namespaces)
        expect(ofKind('Secret', namespace).map((o) => o.metadata.name)).not.toContain(name);
    }
    for (const tenant of tenants) {
      const account = named('ServiceAccount', 'workflow-runner', `ci-${tenant}`);
      expect(account['secrets']).toEqual([{ name: 'git-key' }, { name: 'registry-push' }]);
      expect(lists.get('registry-push')).toContain(`ci-${tenant}`);
      expect(lists.get('registry-pull')).toEqual(expect.arrayContaining([`snd-${tenant}`, `prd-${tenant}`]));
      const workflows = JSON.stringify(ofKind('WorkflowTemplate', `ci-${tenant}`));
      const login = /"secretName":"(forge-[a-z]+)"/.exec(workflows)?.[1] ?? '';
      expect(lists.get(login)).toContain(`ci-${tenant}`);
    }
    expect(named('Secret', 'git-key', 'ci-payments').metadata.annotations).toEqual({
      'kpack.io/git': 'git@github.com',
    });
    expect(named('Secret', 'git-key', 'ci-data').metadata.annotations).toEqual({
      'kpack.io/git': 'git@ssh.dev.azure.com',
    });
    expect(plan).toContain('name=git-key\ttype=kubernetes.io/ssh-auth');
    expect(spec<ImageSpec>(named('Image', 'ledger')).source.git.url).toMatch(/^git@github\.com:/);
  });

  describe.each(['snd-data', 'prd-data'])('Dagster in %s', (namespace) => {
    const config = () =>
      ofKind('ConfigMap', namespace).find(
        (o) => part<Record<string, string>>(o, 'data')['workspace.yaml'] !== undefined,
      );
    const text = (name: string) => part<string>(config(), 'data', name);

    test('check 25: web server, daemon, database, run launcher, route and exporter are there, with one name of the database', () => {
      for (const name of ['dagster-webserver', 'dagster-daemon', 'dagster-metrics', 'dagster-pool'])
        named('Deployment', name, namespace);
      const server = JSON.stringify(named('StatefulSet', 'dagster-postgres', namespace));
      const instance = load(text('dagster.yaml')) as {
        storage: { postgres: { postgres_db: { db_name: string; username: string } } };
        run_launcher: { config: { job_namespace: string; service_account_name: string; instance_config_map: string } };
      };
      const { db_name: database, username } = instance.storage.postgres.postgres_db;
      expect(server).toContain(`{"name":"POSTGRES_DB","value":"${database}"}`);
      expect(server).toContain(`{"name":"POSTGRES_USER","value":"${username}"}`);
      expect(instance.run_launcher.config.job_namespace).toBe(namespace);
      named('ServiceAccount', instance.run_launcher.config.service_account_name, namespace);
      named('ConfigMap', instance.run_launcher.config.instance_config_map, namespace);
      named('RoleBinding', 'dagster-run-launcher', namespace);
      named('HTTPRoute', 'dagster', namespace);
    });

    test('check 27: the code locations are those that are rendered, each at the local end of its own tunnel', () => {
      const workspace = load(text('workspace.yaml')) as {
        load_from: Array<{ grpc_server: { host: string; port: number; location_name: string } }>;
      };
      expect(workspace.load_from.map(({ grpc_server }) => grpc_server.location_name)).toEqual(['sales']);
      for (const name of ['dagster-webserver', 'dagster-daemon']) {
        const pod = JSON.stringify(named('Deployment', name, namespace));
        for (const { grpc_server: server } of workspace.load_from) {
          expect(pod).toContain(`--listen=${server.host}:${server.port}`);
          expect(pod).toContain(`--target=${server.location_name}:4443`);
        }
        // A changed list is another ConfigMap, which rolls the pods.
        expect(pod).toContain(config()?.metadata.name);
      }
    });

    test('check 28: quota, limits, closed network, log-in, certificates on both sides, dumps and pool', () => {
      expect(ofKind('ResourceQuota', namespace)).toHaveLength(1);
      expect(ofKind('LimitRange', namespace)).toHaveLength(1);
      named('NetworkPolicy', 'default-deny-ingress', namespace);
      const route = spec<Route>(named('HTTPRoute', 'dagster', namespace));
      // The route leads to the log-in, never to the web server itself.
      expect(route.rules[0]?.backendRefs.map(({ port }) => port)).toEqual([4180]);
      const web = JSON.stringify(named('Deployment', 'dagster-webserver', namespace));
      expect(web).toContain('--provider=oidc');
      expect(web).toContain('--allowed-group=data-admins');
      expect(ofKind('Certificate', namespace).map(({ metadata }) => metadata.name)).toContain('dagster-platform-tls');
      named('CronJob', 'dagster-postgres-backup', namespace);
      const instance = load(text('dagster.yaml')) as { storage: { postgres: { postgres_db: { hostname: string } } } };
      expect(instance.storage.postgres.postgres_db.hostname).toBe('dagster-pool');
    });
  });

  test('check 26: a code location is a gRPC server with probes, rolled by its configuration, behind its tunnel', () => {
    const folder = 'scaffolds/data/sales-gitops/app';
    const workload = loadAll(fileText(files, `${folder}/base/workload.yaml`)) as KubernetesObject[];
    const deployment = JSON.stringify(workload.find(({ kind }) => kind === 'Deployment'));
    expect(deployment).toContain('"code-server","start"');
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      expect(deployment).toMatch(new RegExp(`"${probe}":{[^}]*"grpc":{"port":4000,"service":"DagsterApi"}`));
    }
    expect(deployment).toContain('--allow-dns=dagster-platform');
    const policy = JSON.stringify(workload.find(({ kind }) => kind === 'NetworkPolicy'));
    expect(policy).toContain('4443');
    expect(policy).not.toContain('4000');
    const overlay = load(fileText(files, `${folder}/overlays/snd/kustomization.yaml`)) as {
      configMapGenerator: object[];
      replacements: object[];
    };
    expect(overlay.configMapGenerator).toHaveLength(1);
    expect(overlay.replacements).toHaveLength(1);
  });

  test('check 29: builds of a tenant take turns at its own semaphore', () => {
    const limits = tenants.map((tenant) =>
      part<string>(named('ConfigMap', 'workflow-semaphores', `ci-${tenant}`), 'data', 'kpack-builds'),
    );
    expect(limits).toEqual(['10', '4']);
    for (const tenant of tenants) {
      for (const name of ['build', 'release']) {
        const build = spec<WorkflowSpec>(named('WorkflowTemplate', name, `ci-${tenant}`)).templates.find(
          (template) => template.name === 'build',
        );
        expect(build?.synchronization?.semaphores).toEqual([
          { configMapKeyRef: { name: 'workflow-semaphores', key: 'kpack-builds' } },
        ]);
      }
    }
  });

  test('check 30: every workflow ends, is removed and runs as nobody special, by its own template', () => {
    const templates = ofKind('WorkflowTemplate');
    expect(templates).toHaveLength(1 + 3 * tenants.length);
    for (const template of templates) {
      const workflow = spec<WorkflowSpec>(template);
      expect(workflow.ttlStrategy.secondsAfterSuccess).toBeLessThanOrEqual(workflow.ttlStrategy.secondsAfterFailure);
      expect(workflow.podGC.strategy).toBe('OnPodSuccess');
      expect(workflow.activeDeadlineSeconds).toBeGreaterThan(0);
      expect(workflow.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
      for (const { container } of workflow.templates.filter((one) => one.container)) {
        expect(container?.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
        });
      }
    }
    // The controller's own ConfigMap belongs to whoever installed it.
    expect(ofKind('ConfigMap').map((object) => object.metadata.name)).not.toContain('workflow-controller-configmap');
  });

  test('check 31: a push can be reported by hand to try a webhook out', () => {
    const script = files.find((file) => file.path === 'platform/send-push.sh');
    expect(script?.executable).toBe(true);
  });
});
