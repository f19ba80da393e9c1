import type { ApplicationChart } from '../../constructs/application-chart/index.ts';
import { ApplicationPipeline } from '../../constructs/application-pipeline/index.ts';
import { ApplicationRepository } from '../../constructs/application-repository/index.ts';
import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { openSandboxScript } from '../../constructs/integration-test-access/index.ts';
import { WoodpeckerPipeline, woodpeckerRepository } from '../../constructs/woodpecker-pipeline/index.ts';
import { imageReference } from '../../model/image.ts';
import { tagPolicy } from '../../model/tag-policy.ts';
import { stonksChart, stonksRepository, stonksServices } from '../stonks/application.ts';
import type { CiNames } from './ci.ts';
import type { Settings } from './settings.ts';

/** Every image is tagged with the full commit and `latest`; only the commit is ever deployed (R4.4, R4.5). */
export const stonksTags = tagPolicy('commit-sha', stonksRepository.branch);

/** Secrets of the repository in Woodpecker; the set-up always creates them, as `unset` where nobody gave a value. */
export const pipelineSecrets = {
  forgeToken: {
    name: 'forge_token',
    purpose: 'sets commit statuses, uploads results and keeps the record of the mirror, as the CI user',
  },
  mirrorToken: { name: 'github_token', purpose: 'pushes branches and tags to the public mirror' },
  registryUser: { name: 'registry_username', purpose: 'user of the registry' },
  registryPassword: { name: 'registry_password', purpose: 'password of the registry' },
} as const;

/** What the install plan and the inventory need of the application's repository. */
export interface Application {
  readonly pipeline: ApplicationPipeline;
  readonly chart: ApplicationChart;
}

/** The files of the application's own repository (R3–R6, R14, R27). */
export function composeApplication(
  output: SystemOutput,
  settings: Settings,
  context: RenderContext,
  ci: CiNames,
): Application {
  const { forge, registry, images, woodpecker, mirror } = settings;
  const application = new ApplicationPipeline({
    name: 'stonks-oracle',
    services: stonksServices,
    tagPolicy: stonksTags,
    registry: {
      host: registry.host,
      path: registry.path,
      login: registry.credentials
        ? { user: pipelineSecrets.registryUser, password: pipelineSecrets.registryPassword }
        : undefined,
      certificate: registry.certificates === 'private' ? { secret: 'registry-ca', key: 'ca.crt' } : undefined,
    },
    python: { image: imageReference(images.python) },
    frontend: { image: imageReference(images.node) },
    integrationTest: {
      image: imageReference(images.kubectl),
      script: stonksRepository.integrationTest,
      serviceAccount: ci.testAccount,
      sandbox: { script: openSandboxScript, prefix: ci.sandboxPrefix, environment: ci.testEnvironment },
    },
    evidence: {
      program: context.program('evidence'),
      image: imageReference(images.node),
      forge: { kind: 'gitea', api: `${forge.url}/api/v1` },
      token: pipelineSecrets.forgeToken,
      package: `${forge.url}/api/packages/${forge.owner}/generic/inttest-results`,
    },
    mirror: {
      image: imageReference(images.git),
      forge: forge.url,
      forgeToken: pipelineSecrets.forgeToken,
      target: mirror.url,
      targetToken: pipelineSecrets.mirrorToken,
    },
    buildsAtATime: woodpecker.builds,
  });
  const pipeline = new WoodpeckerPipeline({
    pipeline: application.pipeline,
    buildPlugin: imageReference(woodpecker.buildPlugin),
    clonePlugin: imageReference(woodpecker.clonePlugin),
  });
  const chart = stonksChart({ registry: `${registry.host}/${registry.path}`, stages: settings.stages });
  new ApplicationRepository(output, {
    application,
    chart,
    pipelineFile: { path: '.woodpecker.yml', content: pipeline.text },
    // GitHub would run them again from the mirror.
    remove: ['.github/workflows'],
    refuse: woodpeckerRepository.refuse,
  });
  return { pipeline: application, chart };
}
