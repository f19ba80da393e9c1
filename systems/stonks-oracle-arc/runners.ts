import {
  arcControllerDeployment,
  arcControllerRelease,
  arcControllerValues,
  runnerScaleSetRelease,
  runnerScaleSetValues,
  runnerSecret,
} from '../../constructs/arc/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import {
  deployRules,
  helmRules,
  IntegrationTestAccess,
  type Sandbox,
  Sweeper,
  seedRules,
} from '../../constructs/integration-test-access/index.ts';
import type { NamespaceProps } from '../../constructs/namespaces/index.ts';
import { DefaultDeny } from '../../constructs/network/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { stonksArc } from '../stonks/arc.ts';
import type { Settings } from './settings.ts';

/** Claim of the volume with the caches. */
export const cacheClaim = 'arc-caches';

/** The runners' account; jobs act in the cluster as this one. */
const account = 'arc-runner';

/** Namespaces that integration tests make and remove. */
const sandbox: Sandbox = { prefix: 'stonks-inttest-', label: 'pipelines.celestium.life/sandbox' };

/** What the install plan and the workflow need of the runners. */
export interface RunnerNames {
  readonly secret: SecretRef;
  readonly controller: ReturnType<typeof arcControllerRelease>;
  readonly controllerDeployment: string;
  readonly scaleSet: ReturnType<typeof runnerScaleSetRelease>;
  readonly sandboxPrefix: string;
  readonly sandboxEnvironment: Readonly<Record<string, string>>;
}

/** The namespace of controller and runners. */
export function runnerNamespace(name: string): NamespaceProps {
  return {
    name,
    podSecurity: 'privileged',
    reason: 'image builds need a Docker daemon in the pod of each runner, and it is privileged',
  };
}

/** Controller and scale set by their official charts, closed network, and the rights of the integration test (001 R4, R7). */
export function composeRunners(output: SystemOutput, settings: Settings): RunnerNames {
  const { namespaces, runners, github, releases } = settings;
  const namespace = namespaces.arc;
  output.yaml('helm/arc-controller.yaml', arcControllerValues({ image: runners.controller, namespace }));
  output.yaml(
    'helm/arc-runners.yaml',
    runnerScaleSetValues({
      repository: `${github.url}/${github.owner}/${github.applicationRepository}`,
      label: stonksArc.scaleSet,
      controllerNamespace: namespace,
      runner: runners.runner,
      docker: runners.docker,
      serviceAccount: account,
      minimum: runners.minimum,
      maximum: runners.maximum,
      cacheClaim,
    }),
  );
  const chart = output.chart('gitops/platform/runners', { namespace, component: 'runners' });
  new DefaultDeny(chart, 'DefaultDeny');
  const sweeper = { namespace, name: 'sandbox-sweeper' };
  const access = new IntegrationTestAccess(chart, 'TestAccess', {
    name: stonksArc.binding,
    sandbox,
    step: { namespace, name: account },
    sweeper,
    sandboxRules: [...deployRules, ...helmRules, ...seedRules],
  });
  new Sweeper(chart, 'Sweeper', { sandbox, account: sweeper, image: settings.images.kubectl });
  return {
    secret: runnerSecret(namespace, `${github.owner}/${github.applicationRepository}`),
    controller: arcControllerRelease(releases.arc, { name: stonksArc.controller, namespace }),
    controllerDeployment: arcControllerDeployment(stonksArc.controller),
    scaleSet: runnerScaleSetRelease(releases.arc, { name: stonksArc.scaleSet, namespace }),
    sandboxPrefix: sandbox.prefix,
    sandboxEnvironment: access.sandboxEnvironment,
  };
}
