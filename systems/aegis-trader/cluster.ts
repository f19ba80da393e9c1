import { DeliveryProject } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { DeployAccount } from '../../constructs/helm-delivery/index.ts';
import { BranchApplication } from '../../constructs/manifests-branch/index.ts';
import { Namespace } from '../../constructs/namespaces/index.ts';
import { AllowIngress, DefaultDeny, fromSameNamespace } from '../../constructs/network/index.ts';
import type { Settings } from './settings.ts';
import { pulledValues } from './workflow.ts';

/** Ports of NATS: clients, routes, monitoring. */
const natsPorts = [4222, 6222, 8222];

/** What a cluster administrator applies once: the namespace of staging, and what deploys into it. */
export function composeCluster(output: SystemOutput, settings: Settings): void {
  const { staging, services, delivery, github } = settings;
  const chart = output.chart('cluster/staging', { namespace: staging.namespace, component: 'staging' });
  const namespace = new Namespace(chart, 'Namespace', {
    name: staging.namespace,
    podSecurity: 'baseline',
    reason: 'the chart of NATS and the containers that wait for it set no security context of their own',
  });
  output.except(namespace.exceptions);
  new DefaultDeny(chart, 'DefaultDeny');
  new AllowIngress(chart, 'Inside', {
    name: 'inside',
    to: {},
    ways: [{ from: [fromSameNamespace()], ports: [...services.map(({ port }) => port), ...natsPorts] }],
  });
  if (delivery.way === 'helm') {
    new DeployAccount(chart, 'Deployer');
    return;
  }
  const repository = `https://github.com/${github.owner}/${github.repository}.git`;
  const argoCd = output.chart('cluster/argo-cd', { namespace: delivery.argoCd, component: 'argo-cd' });
  const project = new DeliveryProject(argoCd, 'Project', {
    name: staging.release,
    description: 'Staging of AegisTrader',
    repositories: [repository],
    namespaces: [staging.namespace],
  });
  new BranchApplication(argoCd, 'Application', {
    name: staging.release,
    project: project.name,
    repository,
    branch: delivery.branch,
    source: {
      chart: {
        path: staging.chart,
        revision: github.branch,
        release: staging.release,
        valueFiles: pulledValues,
      },
    },
    namespace: staging.namespace,
  });
}
