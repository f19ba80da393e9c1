import {
  actions,
  checkout,
  expression,
  type Job,
  script,
  secretValue,
  use,
  type WorkflowStep,
} from '../github-actions/index.ts';
import { scriptsFolder, type WorkflowScript } from '../image-jobs/index.ts';
import connectScript from './connect.sh';
import deployScript from './deploy.sh';
import generateKubeconfigScript from './generate-kubeconfig.sh';
import rollBackScript from './roll-back.sh';
import verifyScript from './verify.sh';

/** A subchart of an application's image. */
export interface DeployedImage {
  /** Name of the subchart; its templates read `image.repository` and `image.tag`. */
  readonly subchart: string;
  /** Repository of the image, without tag. */
  readonly repository: string;
  /** Port of its Service, and the path that answers when it is well. */
  readonly probe: { readonly port: number; readonly path: string };
}

export interface HelmDeliveryProps {
  /** Environment of GitHub and end of the job's name: `staging`. */
  readonly environment: string;
  /** Helm release. */
  readonly release: string;
  readonly namespace: string;
  /** Folder of the chart, relative to the root of the repository. */
  readonly chart: string;
  /** Repositories of the charts that it depends on. @default none */
  readonly chartRepositories?: readonly { readonly name: string; readonly url: string }[];
  /** Command in the chart's folder that writes the values file. */
  readonly valuesCommand: string;
  /** The file that the command writes. */
  readonly valuesFile: string;
  readonly images: readonly DeployedImage[];
  /** Label of runners that reach the cluster. */
  readonly runsOn: string;
  /** The job that pushed, and its output with the tag. */
  readonly pushed: { readonly job: string; readonly output: string };
  /** When it deploys, as an expression without `${{ }}`. */
  readonly if: string;
  /** Versions of the programs, for example `v1.31.4` and `v3.16.4`. */
  readonly versions: { readonly kubectl: string; readonly helm: string };
}

/** The secret with the base64 of a kubeconfig. */
export const kubeConfigSecret = 'KUBE_CONFIG';

/**
 * Deployment with Helm from the pipeline, for a cluster that runners reach: a job that deploys exactly the tag that was
 * pushed, and a job that verifies it. The cluster goes back to the revision before if one of them fails; the run stays red.
 */
export class HelmDelivery {
  /** By id, in order. */
  readonly jobs: Readonly<Record<string, Job>>;
  readonly scripts: readonly WorkflowScript[];
  readonly #props: HelmDeliveryProps;

  constructor(props: HelmDeliveryProps) {
    this.#props = props;
    const deploy = `deploy-${props.environment}`;
    this.jobs = { [deploy]: this.deployJob(), verify: this.verifyJob(deploy) };
    this.scripts = [
      { path: `${scriptsFolder}/connect.sh`, content: connectScript },
      { path: `${scriptsFolder}/deploy.sh`, content: deployScript },
      { path: `${scriptsFolder}/verify.sh`, content: verifyScript },
      { path: `${scriptsFolder}/roll-back.sh`, content: rollBackScript },
      { path: 'scripts/generate-kubeconfig.sh', content: generateKubeconfigScript },
    ];
  }

  private deployJob(): Job {
    const { pushed, chart, chartRepositories = [], valuesCommand, valuesFile } = this.#props;
    return {
      needs: [pushed.job],
      if: this.#props.if,
      'runs-on': this.#props.runsOn,
      environment: this.#props.environment,
      permissions: { contents: 'read' },
      concurrency: { group: `deploy-${this.#props.environment}`, 'cancel-in-progress': false },
      'timeout-minutes': 30,
      outputs: {
        tag: expression(`needs.${pushed.job}.outputs.${pushed.output}`),
        revision: expression('steps.deploy.outputs.revision'),
      },
      env: this.environment(expression(`needs.${pushed.job}.outputs.${pushed.output}`)),
      steps: [
        checkout(),
        ...this.tools(),
        script('Generate the values', `${valuesCommand}\n`, { 'working-directory': chart }),
        script(
          'Fetch the charts that it depends on',
          [
            ...chartRepositories.map(({ name, url }) => `helm repo add ${name} ${url}`),
            'helm dependency build',
            '',
          ].join('\n'),
          { 'working-directory': chart },
        ),
        script('Deploy', `bash "$GITHUB_WORKSPACE/${scriptsFolder}/deploy.sh"\n`, {
          id: 'deploy',
          'working-directory': chart,
          env: { VALUES_FILE: valuesFile },
        }),
        this.rollBack(expression('steps.deploy.outputs.revision')),
      ],
    };
  }

  private verifyJob(deploy: string): Job {
    return {
      needs: [deploy],
      if: this.#props.if,
      'runs-on': this.#props.runsOn,
      environment: this.#props.environment,
      permissions: { contents: 'read' },
      'timeout-minutes': 30,
      env: this.environment(expression(`needs.${deploy}.outputs.tag`)),
      steps: [
        checkout(),
        ...this.tools(),
        script('Verify', `bash ${scriptsFolder}/verify.sh\n`, { env: { PROBES: this.probes() } }),
        this.rollBack(expression(`needs.${deploy}.outputs.revision`)),
      ],
    };
  }

  private environment(tag: string): Readonly<Record<string, string>> {
    const { release, namespace, images } = this.#props;
    return {
      RELEASE: release,
      NAMESPACE: namespace,
      IMAGE_TAG: tag,
      IMAGES: images.map(({ subchart, repository }) => `${subchart}=${repository}`).join('\n'),
    };
  }

  private probes(): string {
    const { release, images } = this.#props;
    return images.map(({ subchart, probe }) => `${release}-${subchart} ${probe.port} ${probe.path}`).join('\n');
  }

  private tools(): readonly WorkflowStep[] {
    const { versions } = this.#props;
    return [
      use(actions.setupKubectl, { name: 'Set up kubectl', with: { version: versions.kubectl } }),
      use(actions.setupHelm, { name: 'Set up Helm', with: { version: versions.helm } }),
      script('Connect to the cluster', `bash ${scriptsFolder}/connect.sh\n`, {
        env: { [kubeConfigSecret]: secretValue(kubeConfigSecret) },
      }),
    ];
  }

  private rollBack(revision: string): WorkflowStep {
    return script('Show what went wrong and go back', `bash "$GITHUB_WORKSPACE/${scriptsFolder}/roll-back.sh"\n`, {
      if: "failure() && env.KUBECONFIG != ''",
      env: { GOOD_REVISION: revision },
    });
  }
}
