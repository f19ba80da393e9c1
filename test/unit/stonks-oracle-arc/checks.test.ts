import { accessSync, constants, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { runnerSecretName } from '../../../constructs/arc/index.ts';
import type { Job, Workflow, WorkflowStep } from '../../../constructs/github-actions/index.ts';
import { decidePromotion } from '../../../model/gate/index.ts';
import type { GateClientSettings } from '../../../model/gate-client/settings.ts';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { stonksArc } from '../../../systems/stonks/arc.ts';
import { part } from '../../support/chart.ts';
import { phasesOf, planSteps } from '../../support/plan.ts';
import { fileText, objectNamed, objectsIn, renderedFiles } from '../../support/rendered.ts';

// The checks of the analysis (table 1.1), each under its number.

const files = renderedFiles('stonks-oracle-arc');
const objects = objectsIn(files);
const text = (path: string) => fileText(files, path);
const data = (path: string) => load(text(path)) as Record<string, unknown>;
const install = planSteps(text('install/plan.tsv'));
const teardown = planSteps(text('teardown/plan.tsv'));
const workflow = data('repo/.github/workflows/ci.yml') as unknown as Workflow;
const jobs = workflow.jobs as Readonly<Record<string, Job>>;
const gate = JSON.parse(text('gate.json')) as GateClientSettings;

const workloads = ['stonks-beta', 'stonks-paper', 'stonks-oracle'];
const stages = ['ci', 'integration-test', 'beta', 'paper', 'live'];
const onPush = "github.event_name == 'push' && github.ref == 'refs/heads/main'";

const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
const named = (kind: string, name: string, namespace?: string) => objectNamed(files, kind, name, namespace);
const releases = install.filter(({ verb }) => verb === 'release').map(({ fields }) => fields);
const commandsOf = (job: string) =>
  (jobs[job]?.steps ?? []).flatMap((step) => ('run' in step ? step.run.trimEnd().split('\n') : []));
const actionsOf = (job: string, action: string) =>
  (jobs[job]?.steps ?? []).filter(
    (step): step is Extract<WorkflowStep, { uses: string }> => 'uses' in step && step.uses.startsWith(`${action}@`),
  );
const buildJobs = Object.keys(jobs).filter((name) => actionsOf(name, 'docker/build-push-action').length > 0);

function stepsOf(stage: string): ReadonlyArray<{ readonly uses: string; readonly config: Record<string, unknown> }> {
  return part(named('Stage', stage), 'spec', 'promotionTemplate', 'spec', 'steps');
}

function stage(name: string) {
  const found = gate.stages.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no stage is called ${name}`);
  return found;
}

describe('installation', () => {
  test('check 1.1: one script installs runners, Argo CD and Kargo in the order that a rebuild needs', () => {
    accessSync('runmefirst.sh', constants.X_OK);
    expect(readFileSync('runmefirst.sh', 'utf8')).toContain('--dry-run');
    expect(phasesOf(install)).toEqual(
      'preflight namespaces volumes directories forge repositories secrets runners argo-cd kargo-base restore gate kargo root project-config status'.split(
        ' ',
      ),
    );
    expect(releases.map((release) => release['name'])).toEqual([
      'arc',
      'self-hosted-gremlin',
      'argocd',
      'kargo',
      'kargo',
    ]);
  });

  test('check 1.2: the components have namespaces of their own, away from the workloads', () => {
    const components = ['arc-system', 'argocd', 'kargo', 'stonks-pipeline'];
    const made = ofKind('Namespace').map((object) => object.metadata.name);
    expect(made).toEqual(expect.arrayContaining(components));
    expect(components.filter((name) => [...workloads, 'git-server'].includes(name))).toEqual([]);
    // Production's is there already.
    expect(made).not.toContain('stonks-oracle');
  });

  test('check 1.3: three volumes on the share, kept, each in a directory of its own, for one claim by name', () => {
    const volumes = ofKind('PersistentVolume').map((volume) => ({
      name: volume.metadata.name,
      server: part<string>(volume, 'spec', 'nfs', 'server'),
      path: part<string>(volume, 'spec', 'nfs', 'path'),
      reclaim: part<string>(volume, 'spec', 'persistentVolumeReclaimPolicy'),
      storageClass: part<string>(volume, 'spec', 'storageClassName'),
      claim: part<Record<string, string>>(volume, 'spec', 'claimRef'),
    }));
    const volume = (name: string, directory: string, namespace: string, claim: string) => ({
      name: `pipeline-${name}-pv`,
      server: '192.168.42.8',
      path: `/volume1/Kubernetes/pipelines/${directory}`,
      reclaim: 'Retain',
      storageClass: '',
      // Without a uid: a claim of the same name made later binds again.
      claim: { namespace, name: claim },
    });
    expect(volumes).toEqual([
      volume('argocd', 'argocd', 'argocd', 'argocd-state'),
      volume('kargo', 'kargo', 'kargo', 'kargo-state'),
      volume('arc', 'arc', 'arc-system', 'arc-caches'),
    ]);
  });

  test('check 1.4: each volume is bound by name, with the same size and access', () => {
    const claims = ofKind('PersistentVolumeClaim');
    expect(claims).toHaveLength(3);
    for (const claim of claims) {
      const volume = named('PersistentVolume', part<string>(claim, 'spec', 'volumeName'));
      expect(part(volume, 'spec', 'claimRef')).toEqual({
        namespace: claim.metadata.namespace,
        name: claim.metadata.name,
      });
      expect(part(volume, 'spec', 'capacity')).toEqual(part(claim, 'spec', 'resources', 'requests'));
      expect(part(volume, 'spec', 'accessModes')).toEqual(part(claim, 'spec', 'accessModes'));
    }
  });

  test('check 1.5: snapshots of Argo CD and Kargo are written to their volumes by schedule, with a retention', () => {
    for (const [namespace, claimName] of [
      ['argocd', 'argocd-state'],
      ['kargo', 'kargo-state'],
    ] as const) {
      const job = named('CronJob', 'state-snapshot', namespace);
      expect(JSON.stringify(job)).toContain(`"claimName":"${claimName}"`);
      expect(part(job, 'spec', 'schedule')).toMatch(/^\S+ \S+ \S+ \S+ \S+$/);
      const settings = objects.find(
        (object) =>
          object.kind === 'ConfigMap' &&
          object.metadata.namespace === namespace &&
          JSON.stringify(object).includes('state-settings/1'),
      );
      expect(JSON.stringify(settings)).toContain('retention');
    }
  });

  test('check 1.6: Argo CD is reached by HTTPS with a certificate of ca-issuer; TLS ends at Traefik', () => {
    const ingress = named('Ingress', 'argocd-server', 'argocd');
    expect(ingress.metadata.annotations).toMatchObject({
      'cert-manager.io/cluster-issuer': 'ca-issuer',
      'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure',
    });
    expect(part(ingress, 'spec', 'ingressClassName')).toBe('traefik');
    expect(part(ingress, 'spec', 'tls', 0)).toEqual({
      hosts: ['stonks-argocd.celestium.life'],
      secretName: 'argocd-server-tls',
    });
    expect(text('helm/argo-cd.yaml')).toMatch(/server\.insecure: true/);
  });

  test('check 1.7: Kargo is reached at its host on *.celestium.life, which it knows as its own', () => {
    const hosts = ofKind('Ingress')
      .filter((ingress) => ingress.metadata.namespace === 'kargo')
      .flatMap((ingress) => part<ReadonlyArray<{ host: string }>>(ingress, 'spec', 'rules').map(({ host }) => host));
    expect(new Set(hosts)).toEqual(new Set(['stonks-kargo.celestium.life']));
    const api = part<Record<string, unknown>>(data('helm/kargo.yaml'), 'api');
    expect(api).toMatchObject({
      host: 'stonks-kargo.celestium.life',
      tls: { enabled: false, terminatedUpstream: true },
    });
  });
});

describe('teardown', () => {
  test('check 1.8: one script saves the state and then removes runners, Argo CD and Kargo', () => {
    accessSync('runmelast.sh', constants.X_OK);
    const verbs = teardown.map(({ verb, fields }) => (verb === 'uninstall' ? `uninstall ${fields['name']}` : verb));
    const order = ['final-snapshot', 'save-secrets', 'uninstall kargo', 'uninstall argocd', 'remove-arc'];
    expect(verbs.filter((verb) => order.includes(verb))).toEqual(order);
  });

  test('check 1.9: volumes, data and the namespace of the project stay', () => {
    const removed = teardown.find(({ verb }) => verb === 'remove-arc');
    expect(removed?.fields['volume']).toBeUndefined();
    const namespaces = teardown.find(({ verb }) => verb === 'delete-namespaces')?.fields['names']?.split(',') ?? [];
    expect(namespaces.length).toBeGreaterThan(0);
    expect(namespaces).not.toContain('stonks-pipeline');
    const kinds = teardown.filter(({ verb }) => verb === 'delete-labelled').map(({ fields }) => fields['kinds']);
    expect(kinds.join()).not.toContain('persistentvolume');
    expect(named('Namespace', 'stonks-pipeline').metadata.annotations).toMatchObject({
      'kargo.akuity.io/keep-namespace': 'true',
    });
  });

  test('check 1.10: Applications are orphaned, none has a finalizer, no workload is named', () => {
    const finalizers = ofKind('Application').filter((object) => 'finalizers' in object.metadata);
    expect(ofKind('Application').length).toBe(4);
    expect(finalizers).toEqual([]);
    expect(teardown.map(({ verb }) => verb)).toContain('orphan-applications');
    const touched = teardown.filter(({ verb }) => verb !== 'kept' && verb !== 'save-secrets');
    for (const namespace of workloads) {
      expect(touched.filter(({ fields }) => fields['namespace'] === namespace)).toEqual([]);
      expect(touched.filter(({ fields }) => fields['names']?.split(',').includes(namespace))).toEqual([]);
    }
  });

  test('check 1.11: no object of the pipeline lies in the namespace of production', () => {
    expect(objects.filter((object) => object.metadata.namespace === 'stonks-oracle')).toEqual([]);
    // Deleting the application's workloads is not undone where trading depends on it (C31).
    for (const name of ['paper', 'live']) {
      expect(part(named('Application', `stonks-${name}`), 'spec', 'syncPolicy', 'automated', 'selfHeal')).toBe(false);
    }
  });

  test('check 1.12: releases and their namespaces are apart from those of the application', () => {
    expect(releases.map((release) => release['name'])).not.toContain('stonks-oracle');
    expect(releases.filter((release) => workloads.includes(release['namespace'] ?? ''))).toEqual([]);
  });
});

describe('runners', () => {
  const scaleSet = data('helm/arc-runners.yaml');
  const pod = part<{
    readonly serviceAccountName: string;
    readonly initContainers: ReadonlyArray<{
      readonly name: string;
      readonly image: string;
      readonly securityContext: object;
    }>;
    readonly volumes: ReadonlyArray<Readonly<Record<string, unknown>>>;
  }>(scaleSet, 'template', 'spec');

  test('check 1.13: the controller is the official chart in arc-system, pinned', () => {
    expect(releases[0]).toMatchObject({
      name: 'arc',
      namespace: 'arc-system',
      chart: 'oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set-controller',
      version: '0.14.2',
      values: 'helm/arc-controller.yaml',
    });
  });

  test('check 1.14: the scale set is registered for celesrenata/stonks-oracle, with its Secret by name', () => {
    expect(scaleSet).toMatchObject({
      githubConfigUrl: 'https://github.com/celesrenata/stonks-oracle',
      githubConfigSecret: runnerSecretName,
      runnerScaleSetName: 'self-hosted-gremlin',
      minRunners: 0,
      maxRunners: 4,
      controllerServiceAccount: { namespace: 'arc-system', name: 'arc-controller' },
    });
  });

  test('check 1.15: each job gets a fresh pod with an empty working folder and a Docker daemon of its own', () => {
    // Written out instead of the chart's short form, whose daemon has no fixed version.
    const dind = pod.initContainers.find((container) => container.name === 'dind');
    expect(dind?.image).toMatch(/docker:\d+\.\d+\.\d+-dind$/);
    expect(dind?.securityContext).toMatchObject({ privileged: true });
    expect(pod.volumes).toContainEqual({ name: 'work', emptyDir: {} });
  });

  test("check 1.16: the runners' account may make sandboxes and nothing else, under the name that the successor removes", () => {
    const subject = { kind: 'ServiceAccount', namespace: 'arc-system', name: 'arc-runner' };
    expect(pod.serviceAccountName).toBe(subject.name);
    const binding = named('ClusterRoleBinding', stonksArc.binding);
    expect(part(binding, 'subjects')).toEqual([subject]);
    expect(binding.metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'stonks-oracle-arc' });
    const rules = ofKind('ClusterRole')
      .filter((role) => role.metadata.name.startsWith(stonksArc.binding))
      .flatMap((role) => part<ReadonlyArray<Readonly<Record<string, readonly string[]>>>>(role, 'rules'));
    expect(rules.length).toBeGreaterThan(3);
    expect(rules.flatMap((rule) => Object.values(rule).flat())).not.toContain('*');
    const successor = planSteps(fileText(renderedFiles('stonks-oracle'), 'install/plan.tsv'));
    expect(successor.find(({ verb }) => verb === 'remove-arc')?.fields).toMatchObject({
      namespace: 'arc-system',
      controller: 'arc',
      'scale-sets': 'self-hosted-gremlin',
      bindings: binding.metadata.name,
      volume: 'pipeline-arc-pv',
    });
  });

  test('check 1.17: only caches outlive a job', () => {
    const kept = pod.volumes.filter((volume) => !('emptyDir' in volume));
    expect(kept).toEqual([{ name: 'caches', persistentVolumeClaim: { claimName: 'arc-caches' } }]);
  });
});

describe('workflow', () => {
  test('check 2.1: pushes to main and pull requests start it', () => {
    expect(workflow.on).toEqual({ push: { branches: ['main'] }, pull_request: {} });
  });

  test('check 2.2: every job runs on the runners of the cluster', () => {
    expect(Object.keys(jobs).length).toBeGreaterThan(7);
    expect(new Set(Object.values(jobs).map((job) => job['runs-on']))).toEqual(new Set(['self-hosted-gremlin']));
    expect(text('repo/.github/workflows/ci.yml')).not.toContain('ubuntu-');
  });

  test('check 2.3: ruff check services/', () => {
    expect(commandsOf('lint')).toContain('ruff check services/');
  });

  test('check 2.4: pytest tests/', () => {
    expect(commandsOf('pytest')).toContain('pytest tests/');
  });

  test('check 2.5: the frontend is installed from its lock file and tested once', () => {
    expect(commandsOf('vitest')).toEqual(['npm ci --no-audit --no-fund', 'npx vitest run']);
    expect(jobs['vitest']?.steps.find((step) => 'run' in step)).toMatchObject({ 'working-directory': 'frontend' });
  });

  test('check 2.6: nothing is built after a failed check', () => {
    expect(jobs['build']?.needs).toEqual(expect.arrayContaining(['lint', 'pytest', 'vitest']));
    for (const job of buildJobs) expect(jobs[job]?.if).not.toMatch(/always|cancelled|failure/);
  });

  test('check 2.7: images are built on pushes to main only', () => {
    expect(buildJobs.map((job) => jobs[job]?.if)).toEqual([onPush, onPush]);
  });

  test('check 2.8: the 14 images of the catalogue, each from its Dockerfile', () => {
    const matrix = jobs['build']?.strategy?.matrix.include ?? [];
    const built = [
      ...matrix.map(({ repository, dockerfile }) => [repository?.split('/').at(-1), dockerfile]),
      ['query-api', actionsOf('build-query-api', 'docker/build-push-action')[0]?.with?.['file']],
    ];
    expect(built).toHaveLength(14);
    expect(new Map(built as [string, string][])).toEqual(
      new Map(stonksServices.services.map(({ name, dockerfile }) => [name, dockerfile])),
    );
    expect(built).toContainEqual(['dashboard', 'frontend/Dockerfile']);
    expect(built).toContainEqual(['superset', 'docker/Dockerfile.superset']);
  });

  test('check 2.9: every image is tagged with the whole commit and latest', () => {
    const tags = buildJobs.map((job) => actionsOf(job, 'docker/build-push-action')[0]?.with?.['tags']);
    expect(tags).toEqual([
      '${{ matrix.repository }}:${{ github.sha }}\n${{ matrix.repository }}:latest',
      'ghcr.io/celesrenata/stonks-oracle/query-api:${{ github.sha }}\nghcr.io/celesrenata/stonks-oracle/query-api:latest',
    ]);
  });

  test('check 2.10: builds may write packages, log in with the token of the run, and no other job may', () => {
    for (const job of buildJobs) {
      expect(actionsOf(job, 'docker/login-action')[0]?.with).toMatchObject({
        registry: 'ghcr.io',
        password: '${{ secrets.GITHUB_TOKEN }}',
      });
    }
    const writers = Object.keys(jobs).filter((job) => jobs[job]?.permissions?.packages === 'write');
    expect(writers).toEqual(buildJobs);
    expect(workflow.permissions).toEqual({});
  });

  test('check 2.11: query-api, which the Warehouse watches, is pushed after all others', () => {
    expect(jobs['build-query-api']?.needs).toEqual(['build']);
    expect(part(named('Warehouse', 'stonks-images'), 'spec', 'subscriptions', 0, 'image', 'repoURL')).toBe(
      'ghcr.io/celesrenata/stonks-oracle/query-api',
    );
  });

  test('check 2.12: the commit is recorded as image tag once all images are pushed, and handed on', () => {
    expect(jobs['image-tag']?.needs).toEqual(['build', 'build-query-api']);
    expect(jobs['image-tag']?.outputs).toEqual({ image_tag: '${{ steps.commands.outputs.image_tag }}' });
    expect(commandsOf('image-tag')).toEqual(['node .pipelines/evidence.cjs built']);
    expect(jobs['integration-test']?.steps.find((step) => 'run' in step)).toMatchObject({
      env: { IMAGE_TAG: '${{ needs.image-tag.outputs.image_tag }}' },
    });
  });
});

describe('integration test', () => {
  test('check 3.1: it runs against the pushed images, by its own script', () => {
    expect(jobs['integration-test']?.needs).toEqual(['image-tag']);
    expect(commandsOf('integration-test')).toContain(
      'bash infra/inttest/run_pipeline.sh --image-tag ${{ github.sha }}',
    );
  });

  test('check 3.2: counts and exit code are read by the paths that the settings name, into the summary', () => {
    const configuration = JSON.parse(text('repo/.pipelines/evidence.json')) as { readonly results: object };
    expect(configuration.results).toEqual({
      file: 'inttest-results.json',
      outcomeFile: 'inttest-outcome.txt',
      total: 'total',
      passed: 'passed',
      failed: 'failed',
      commit: 'commit',
    });
    expect(commandsOf('evidence')).toEqual(['node .pipelines/evidence.cjs publish']);
    // What the program does with them, and with a missing file, is shown in test/unit/evidence.
    expect(text('repo/.pipelines/evidence.cjs')).toContain('GITHUB_STEP_SUMMARY');
  });

  test('check 3.3: a build reaches beta only with the success that the workflow itself has set', () => {
    const [evidence] = stepsOf('integration-test');
    expect(evidence?.config['successExpression']).toBe(
      "response.status == 200 && find(response.body, .context == 'integration-test' && .creator?.login == 'github-actions[bot]')?.state == 'success'",
    );
    expect(part(named('Stage', 'beta'), 'spec', 'requestedFreight', 0, 'sources')).toEqual({
      stages: ['integration-test'],
    });
  });

  test('check 3.4: a failure blocks beta and says why, in the summary and in Kargo', () => {
    const [evidence] = stepsOf('integration-test');
    expect(evidence?.config['failureExpression']).toContain("in ['failure', 'error']");
    expect(evidence?.config['errorExpression']).toContain('description');
    for (const name of ['beta', 'paper', 'live']) {
      expect(part(named('Stage', name), 'spec', 'requestedFreight', 0, 'sources')).not.toHaveProperty('direct');
    }
    expect(jobs['evidence']?.if).toBe(`!cancelled() && ${onPush}`);
  });

  test('check 3.5: the results are archived, also after a failure', () => {
    const [kept] = actionsOf('evidence', 'actions/upload-artifact');
    expect(kept).toMatchObject({ if: 'always()', with: { name: 'inttest-results', path: 'inttest-results.json' } });
  });
});

describe('promotion', () => {
  const policies = part<ReadonlyArray<{ autoPromotionEnabled: boolean; stageSelector: { name: string } }>>(
    named('ProjectConfig', 'stonks-pipeline'),
    'spec',
    'promotionPolicies',
  );
  const automatic = policies.filter((policy) => policy.autoPromotionEnabled).map((policy) => policy.stageSelector.name);

  test('check 4.1: the project has a namespace of its own and promotes automatically where nobody is asked', () => {
    expect(ofKind('Project').map((object) => object.metadata.name)).toEqual(['stonks-pipeline']);
    expect(workloads).not.toContain('stonks-pipeline');
    expect(automatic).toEqual(['ci', 'integration-test', 'beta']);
  });

  test('check 4.2: the Warehouse takes the newest build by tags that are whole commits', () => {
    expect(part(named('Warehouse', 'stonks-images'), 'spec', 'subscriptions', 0, 'image')).toMatchObject({
      repoURL: 'ghcr.io/celesrenata/stonks-oracle/query-api',
      imageSelectionStrategy: 'NewestBuild',
      allowTagsRegexes: ['^[0-9a-f]{40}$'],
      cacheByTag: true,
    });
  });

  test('check 4.3: five stages in one chain, each with at least one step', () => {
    expect(ofKind('Stage').map((object) => object.metadata.name)).toEqual(stages);
    for (const name of stages) expect(stepsOf(name).length).toBeGreaterThan(0);
    const sources = stages.map((name) => part(named('Stage', name), 'spec', 'requestedFreight', 0, 'sources'));
    expect(sources).toEqual([{ direct: true }, ...stages.slice(0, -1).map((name) => ({ stages: [name] }))]);
  });

  // check 4.4 stands in switches.test.ts: every one of the 32 combinations.

  test('check 4.5: beta takes verified builds by itself; paper and live do not', () => {
    expect(automatic).toContain('beta');
    expect(automatic.filter((name) => ['paper', 'live'].includes(name))).toEqual([]);
  });

  test('check 4.6: three Applications of one chart, each bound to its stage and its namespace', () => {
    for (const [name, namespace, valueFiles] of [
      ['beta', 'stonks-beta', ['values.yaml', 'values-beta.yaml']],
      ['paper', 'stonks-paper', ['values.yaml', 'values-paper.yaml']],
      // Live has no values of its own (C16).
      ['live', 'stonks-oracle', ['values.yaml']],
    ] as const) {
      const application = named('Application', `stonks-${name}`, 'argocd');
      expect(application.metadata.annotations).toMatchObject({
        'kargo.akuity.io/authorized-stage': `stonks-pipeline:${name}`,
      });
      expect(part(application, 'spec', 'destination', 'namespace')).toBe(namespace);
      expect(part(application, 'spec', 'sources', 0)).toMatchObject({
        repoURL: 'https://github.com/celesrenata/stonks-oracle.git',
        path: 'infra/helm/stonks-oracle',
        helm: { valueFiles: [...valueFiles, '$promoted/values.yaml'] },
      });
    }
  });

  test('check 4.7: a promotion writes image.tag, as text, and lets Argo CD sync exactly that commit', () => {
    for (const name of ['beta', 'paper', 'live']) {
      const steps = stepsOf(name);
      const edit = steps.find((step) => step.uses === 'yaml-update');
      expect(part(edit, 'config', 'updates', 0)).toMatchObject({ key: 'image.tag' });
      expect(JSON.stringify(edit)).toContain('imageFrom');
      expect(steps.at(-1)?.uses).toBe('argocd-update');
    }
  });

  test('check 4.8: paper trades with the paper account of Alpaca; live has no paper in it', () => {
    expect(data('repo/infra/helm/stonks-oracle/values-paper.yaml')).toMatchObject({
      config: { BROKER_MODE: 'paper', BROKER_PROVIDER: 'alpaca' },
      broker: { credentialsSecret: 'alpaca-paper-credentials' },
    });
    expect(text('repo/infra/helm/stonks-oracle/values.yaml')).not.toContain('paper');
  });

  test('check 4.9: the window closes paper and live, and nothing else', () => {
    const gated = gate.stages.filter((candidate) => candidate.gate?.window !== undefined).map(({ name }) => name);
    expect(gated).toEqual(['paper', 'live']);
    const noon = DateTime.fromISO('2026-11-23T12:00:00', { zone: 'America/New_York' });
    for (const actor of ['email:operator@celestium.life', undefined]) {
      expect(decidePromotion(stage('paper'), { at: noon, actor }).refusals.map(({ rule }) => rule)).toContain(
        'blocked',
      );
      expect(decidePromotion(stage('beta'), { at: noon, actor }).allowed).toBe(true);
    }
    const bound = ofKind('ValidatingAdmissionPolicyBinding').filter((object) =>
      /gate-(create|start)$/.test(object.metadata.name),
    );
    expect(bound.length).toBe(2);
    for (const object of bound) expect(part(object, 'spec', 'validationActions')).toContain('Deny');
  });

  test('check 4.10: live is promoted by an approver with a note only', () => {
    expect(policies.find((policy) => policy.stageSelector.name === 'live')?.autoPromotionEnabled).toBe(false);
    const evening = DateTime.fromISO('2026-11-23T18:00:00', { zone: 'America/New_York' });
    const asks = (actor: string, note?: string) => decidePromotion(stage('live'), { at: evening, actor, note }).allowed;
    expect(asks('email:approver@celestium.life', 'release 12')).toBe(true);
    expect(asks('email:approver@celestium.life')).toBe(false);
    expect(asks('email:operator@celestium.life', 'release 12')).toBe(false);
    const promotable = (role: string) =>
      part<ReadonlyArray<{ verbs: string[]; resourceNames?: string[] }>>(
        named('Role', role, 'stonks-pipeline'),
        'rules',
      )
        .filter((rule) => rule.verbs.includes('promote'))
        .flatMap((rule) => rule.resourceNames ?? []);
    expect(promotable('operators')).toEqual(['ci', 'integration-test', 'beta', 'paper']);
    expect(promotable('approvers')).toEqual(stages);
  });

  test('check 4.11: break-glass is for one promotion, by a named person, with a justification', () => {
    for (const name of ['paper', 'live']) {
      expect(stage(name).gate?.breakGlass).toMatchObject({ minimumJustification: 15, startWithinMinutes: 30 });
    }
    expect(stage('live').gate?.breakGlass?.actors).toEqual(['email:approver@celestium.life']);
    // That it holds for one promotion only is shown on a real API server: test/cluster/gate/attacks.test.ts.
  });

  test('check 4.12: the tag of each stage can be asked for, and the way is documented', () => {
    const guide = readFileSync('docs/stonks-oracle-arc.md', 'utf8');
    expect(guide).toContain('kubectl get stages.kargo.akuity.io');
    expect(guide).toContain('npm run gate -- status --system stonks-oracle-arc');
    expect(install.find(({ verb }) => verb === 'stages')?.fields).toEqual({ project: 'stonks-pipeline' });
  });

  test('check 4.13: a recorder writes the audit trail to the volume of Kargo', () => {
    const recorder = named('Deployment', 'audit-recorder', 'kargo');
    expect(JSON.stringify(recorder)).toContain('"claimName":"kargo-state"');
    // Its fields are shown in test/unit/recorder/kargo-facts.test.ts.
  });

  test('check 4.14: a change of chart or values reaches its namespace by itself, paper and live after the close', () => {
    for (const name of ['beta', 'paper', 'live']) {
      expect(part(named('Application', `stonks-${name}`), 'spec', 'syncPolicy', 'automated')).toBeDefined();
    }
    expect(part(named('AppProject', 'stonks-oracle'), 'spec', 'syncWindows')).toEqual([
      {
        kind: 'deny',
        schedule: '30 9 * * 1,2,3,4,5',
        duration: '6h30m',
        timeZone: 'America/New_York',
        applications: ['stonks-paper', 'stonks-live'],
        manualSync: true,
      },
    ]);
  });

  test('check 4.15: a failed sync fails the promotion, which waits for Argo CD', () => {
    for (const name of ['beta', 'paper', 'live']) {
      expect(part(stepsOf(name).at(-1), 'config', 'apps', 0, 'name')).toBe(`stonks-${name}`);
    }
  });
});

test('check 5.1: the guide tells how to install, promote, break glass, restore, switch stages and tear down', () => {
  const headings = readFileSync('docs/stonks-oracle-arc.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('## '));
  expect(headings).toEqual(
    [
      'Before the install',
      'Install',
      'Promote',
      'Break glass',
      'Stage switches',
      'Which tag runs where',
      'Restore',
      'Tear down',
      'From this system to the local one',
      'What to know about the runners',
    ].map((heading) => `## ${heading}`),
  );
});
