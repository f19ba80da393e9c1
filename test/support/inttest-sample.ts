import { type RenderedFile, SystemOutput } from '../../constructs/core/index.ts';
import { IntegrationTestAccess, type Sandbox, Sweeper } from '../../constructs/integration-test-access/index.ts';
import { Namespace } from '../../constructs/namespaces/index.ts';
import {
  privilegedStepsReason,
  type StepAccount,
  StepPolicy,
  WoodpeckerAgent,
  WoodpeckerSteps,
} from '../../constructs/woodpecker/index.ts';

/** A small system with everything that integration tests need; the tests of RBAC, policies and the sweeper use it. */
export const sample = {
  sandbox: { prefix: 'demo-inttest-', label: 'demo.example.org/ephemeral' } satisfies Sandbox,
  agent: { namespace: 'woodpecker', name: 'woodpecker-agent' },
  step: { namespace: 'woodpecker-steps', name: 'woodpecker-inttest' },
  sweeper: { namespace: 'woodpecker', name: 'woodpecker-sweeper' },
  buildPlugin: { repository: 'docker.io/woodpeckerci/plugin-docker-buildx', tag: '6.1.1' },
  stepAccount: {
    serviceAccount: 'woodpecker-inttest',
    repository: 'Demo/demo-app',
    branch: 'main',
    events: ['push', 'manual'],
    step: 'integration-test',
  } satisfies StepAccount,
};

export interface SampleOutput {
  readonly files: readonly RenderedFile[];
  readonly access: IntegrationTestAccess;
}

export function sampleOutput(): SampleOutput {
  const output = new SystemOutput('demo');
  const namespaces = output.chart('install/namespaces');
  new Namespace(namespaces, 'Woodpecker', { name: 'woodpecker' });
  new Namespace(namespaces, 'Steps', {
    name: 'woodpecker-steps',
    podSecurity: 'privileged',
    reason: privilegedStepsReason,
  });
  const agent = new WoodpeckerAgent(output.chart('platform/agent', { namespace: 'woodpecker' }), 'Agent', {
    image: { repository: 'docker.io/woodpeckerci/woodpecker-agent', tag: 'v3.17.0' },
    serverAddress: 'woodpecker-server.woodpecker.svc.cluster.local:9000',
    stepsNamespace: 'woodpecker-steps',
    nativeSecrets: ['shared-ca'],
  });
  new WoodpeckerSteps(output.chart('platform/steps', { namespace: 'woodpecker-steps' }), 'Steps', {
    agent: agent.serviceAccount,
  });
  const rights = output.chart('platform/rights');
  new StepPolicy(rights, 'StepPolicy', {
    stepsNamespace: 'woodpecker-steps',
    privilegedPlugins: [sample.buildPlugin],
    nativeSecrets: ['shared-ca'],
    accounts: [sample.stepAccount],
  });
  const access = new IntegrationTestAccess(rights, 'IntegrationTest', {
    sandbox: sample.sandbox,
    agent: sample.agent,
    step: sample.step,
    sweeper: sample.sweeper,
  });
  new Sweeper(output.chart('platform/sweeper', { namespace: 'woodpecker' }), 'Sweeper', {
    sandbox: sample.sandbox,
    account: sample.sweeper,
    stepsNamespace: 'woodpecker-steps',
    image: { repository: 'docker.io/alpine/k8s', tag: '1.34.2' },
  });
  return { files: output.files(), access };
}
