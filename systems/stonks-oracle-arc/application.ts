import type { ApplicationChart } from '../../constructs/application-chart/index.ts';
import { ApplicationPipeline } from '../../constructs/application-pipeline/index.ts';
import { ApplicationRepository } from '../../constructs/application-repository/index.ts';
import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { actions, GithubPipeline, githubToken, lintConfiguration, use } from '../../constructs/github-actions/index.ts';
import { openSandboxScript } from '../../constructs/integration-test-access/index.ts';
import { imageReference } from '../../model/image.ts';
import { tagPolicy } from '../../model/tag-policy.ts';
import { stonksChart, stonksRepository, stonksServices } from '../stonks/application.ts';
import { stonksArc } from '../stonks/arc.ts';
import type { RunnerNames } from './runners.ts';
import type { Settings } from './settings.ts';

/** Every image is tagged with the full commit and `latest`; only the commit is ever deployed (001 R6.4, R6.5). */
export const stonksTags = tagPolicy('commit-sha', stonksRepository.branch);

/** Contexts of the commit statuses, by the stage that waits for them. */
export const evidenceContext = { ci: 'ci', integrationTest: 'integration-test' } as const;

/** What the install plan and the inventory need of the application's repository. */
export interface Application {
  readonly pipeline: ApplicationPipeline;
  readonly chart: ApplicationChart;
}

/** GitHub's own token of each run: nothing has to be stored for it. */
const token = { name: githubToken, purpose: 'token of the run, made by GitHub: sets commit statuses, pushes images' };

/** The files of the application's own repository (001 R5–R7). */
export function composeApplication(
  output: SystemOutput,
  settings: Settings,
  context: RenderContext,
  runners: RunnerNames,
): Application {
  const { registry, images, github } = settings;
  const application = new ApplicationPipeline({
    name: 'stonks-oracle',
    services: stonksServices,
    tagPolicy: stonksTags,
    registry: { host: registry.host, path: registry.path, login: { user: token, password: token } },
    python: { image: imageReference(images.python) },
    frontend: { image: imageReference(images.node) },
    integrationTest: {
      image: imageReference(images.kubectl),
      script: stonksRepository.integrationTest,
      sandbox: {
        script: openSandboxScript,
        prefix: runners.sandboxPrefix,
        environment: runners.sandboxEnvironment,
      },
    },
    evidence: {
      program: context.program('evidence'),
      image: imageReference(images.node),
      context: evidenceContext.integrationTest,
      builtContext: evidenceContext.ci,
      forge: { kind: 'github', api: github.api },
      token,
      // GHCR hands out tokens first; a push that failed fails its job here.
      checkImages: false,
    },
    // All but the watched image side by side; how many really run is decided by the number of runners.
    buildsAtATime: stonksServices.services.length - 1,
  });
  const { kubectl, helm } = settings.runners.tools;
  const statuses = { statuses: 'write' } as const;
  const workflow = new GithubPipeline({
    pipeline: application.pipeline,
    runsOn: stonksArc.scaleSet,
    permissions: { 'evidence-pending': statuses, 'image-tag': statuses, evidence: statuses },
    onRunner: {
      // The runner's account is what may make sandboxes; a container on the runner does not have it.
      'integration-test': [
        use(actions.setupKubectl, { name: 'Set up kubectl', with: { version: kubectl } }),
        use(actions.setupHelm, { name: 'Set up Helm', with: { version: helm } }),
      ],
    },
    timeoutMinutes: 60,
  });
  const chart = stonksChart({
    registry: `${registry.host}/${registry.path}`,
    keepPullSecrets: true,
    stages: settings.stages,
  });
  new ApplicationRepository(output, {
    application,
    chart,
    pipelineFile: { path: '.github/workflows/ci.yml', content: workflow.text },
    more: [{ path: '.github/actionlint.yaml', content: lintConfiguration([stonksArc.scaleSet]), executable: false }],
  });
  return { pipeline: application, chart };
}
