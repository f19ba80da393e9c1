import type { SystemOutput } from '../../constructs/core/index.ts';
import {
  deployRules,
  helmRules,
  IntegrationTestAccess,
  type Sandbox,
  Sweeper,
  seedRules,
} from '../../constructs/integration-test-access/index.ts';
import { DefaultDeny, fromNamespace } from '../../constructs/network/index.ts';
import { Postgres } from '../../constructs/postgres/index.ts';
import {
  StepPolicy,
  WoodpeckerAgent,
  type WoodpeckerSecrets,
  WoodpeckerServer,
  WoodpeckerSteps,
} from '../../constructs/woodpecker/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { stonksRepository } from '../stonks/application.ts';
import type { Settings } from './settings.ts';

/** What the install plan and the pipeline file need of the CI half. */
export interface CiNames {
  readonly webhookUrl: string;
  readonly secrets: WoodpeckerSecrets;
  readonly databasePassword: SecretRef;
  /** Claim of the volume with the database and its dumps. */
  readonly claim: string;
  /** Account of the integration-test step and the environment that it needs. */
  readonly testAccount: string;
  /** Beginning of the names of the namespaces that tests make. */
  readonly sandboxPrefix: string;
  readonly testEnvironment: Readonly<Record<string, string>>;
  readonly testStep: string;
  /** Minutes that a pipeline may take. */
  readonly timeoutMinutes: number;
}

/** Namespaces that integration tests make and remove (R26). */
const sandbox: Sandbox = { prefix: 'stonks-inttest-', label: 'pipelines.celestium.life/sandbox' };

const testAccount = 'woodpecker-inttest';
const testStep = 'integration-test';
const claim = 'woodpecker-data';
const timeoutMinutes = 180;

/** Woodpecker with its database, the namespace of the steps, and the rights of the integration test (R2, R26, R28). */
export function composeCi(output: SystemOutput, settings: Settings): CiNames {
  const { woodpecker, namespaces, forge, hosts, ingress, images } = settings;
  const chart = output.chart('gitops/platform/woodpecker', {
    namespace: namespaces.woodpecker,
    component: 'woodpecker',
  });
  new DefaultDeny(chart, 'DefaultDeny');
  const database = new Postgres(chart, 'Database', {
    name: 'woodpecker-postgres',
    image: images.postgres,
    major: Number.parseInt(images.postgres.tag, 10),
    database: 'woodpecker',
    user: 'woodpecker',
    claimName: claim,
    uid: settings.storage.volumes.woodpecker.uid,
    clients: [{ 'app.kubernetes.io/name': 'woodpecker-server' }],
  });
  const server = new WoodpeckerServer(chart, 'Server', {
    image: woodpecker.server,
    host: hosts.ci,
    clusterIssuer: ingress.clusterIssuer,
    forge: { url: forge.url },
    database: { ...database, database: database.database, passwordSecret: database.passwordSecret },
    admins: [forge.users.admin],
    repositoryOwners: [forge.owner],
    clonePlugin: woodpecker.clonePlugin,
    privilegedPlugins: [woodpecker.buildPlugin],
    pipelineTimeoutMinutes: timeoutMinutes,
    traefik: { namespace: ingress.controllerNamespace },
    httpClients: [fromNamespace(forge.namespace), fromNamespace(namespaces.setUp)],
  });
  const agent = new WoodpeckerAgent(chart, 'Agent', {
    image: woodpecker.agent,
    serverAddress: server.grpcAddress,
    stepsNamespace: namespaces.steps,
    replicas: woodpecker.agents,
  });

  if (woodpecker.agents > 1) {
    const object = `Deployment/${agent.serviceAccount.namespace}/${agent.serviceAccount.name}`;
    const reason = 'an agent that is drained loses its own pipelines whatever a budget says; the others go on';
    output.except([{ check: 'deployment-has-poddisruptionbudget', object, reason }]);
  }

  const steps = output.chart('gitops/platform/woodpecker-steps', {
    namespace: namespaces.steps,
    component: 'woodpecker-steps',
  });
  new WoodpeckerSteps(steps, 'Steps', { agent: agent.serviceAccount });
  // Not in the steps' namespace: a pipeline could name its account there.
  const sweeper = { namespace: namespaces.woodpecker, name: 'sandbox-sweeper' };
  const access = new IntegrationTestAccess(steps, 'TestAccess', {
    sandbox,
    agent: agent.serviceAccount,
    step: { namespace: namespaces.steps, name: testAccount },
    sweeper,
    sandboxRules: [...deployRules, ...helmRules, ...seedRules],
  });
  new Sweeper(chart, 'Sweeper', { sandbox, account: sweeper, stepsNamespace: namespaces.steps, image: images.kubectl });
  new StepPolicy(steps, 'StepPolicy', {
    stepsNamespace: namespaces.steps,
    privilegedPlugins: [woodpecker.buildPlugin],
    accounts: [
      {
        serviceAccount: testAccount,
        repository: `${forge.owner}/${forge.applicationRepository}`,
        branch: stonksRepository.branch,
        events: ['push'],
        step: testStep,
      },
    ],
  });
  return {
    webhookUrl: server.webhookUrl,
    secrets: server.secrets,
    databasePassword: database.passwordSecret,
    claim,
    testAccount,
    sandboxPrefix: sandbox.prefix,
    testEnvironment: access.sandboxEnvironment,
    testStep,
    timeoutMinutes,
  };
}
