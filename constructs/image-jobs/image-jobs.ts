import { buildContextOf, platformsOf, type Service } from '../../model/service-catalogue.ts';
import type { TagPolicy } from '../../model/tag-policy.ts';
import {
  actions,
  builder,
  buildImage,
  expression,
  type Job,
  type RegistryLogin,
  references,
  registryLogin,
  script,
  tagStep,
  use,
  type WorkflowStep,
} from '../github-actions/index.ts';
import scanScript from './scan.sh';

/** A script that the workflow takes from the repository. */
export interface WorkflowScript {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly content: string;
}

/** Where scripts of workflows lie. */
export const scriptsFolder = '.github/scripts';

export interface ImageJobsProps {
  readonly services: readonly Service[];
  /** Registry with the path before the service's name, all lower case: `ghcr.io/owner`. */
  readonly prefix: string;
  readonly tagPolicy: TagPolicy;
  readonly login: Omit<RegistryLogin, 'if'>;
  /** Image of Trivy, with version and digest. */
  readonly trivy: string;
  /** Severities that fail the build, if there is a fix. @default 'HIGH,CRITICAL' */
  readonly severity?: string;
  /** More build arguments of every image, `NAME=value`, one a line; expressions are allowed. @default none */
  readonly buildArguments?: string;
}

/** Only pull requests from the repository itself may upload findings: a token of a fork cannot. */
const mayUpload =
  "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository";

/**
 * The steps that build, scan and push the images of a catalogue, for jobs with a matrix. What is scanned exists: one
 * platform is built into the runner's own Docker and scanned there; only then all platforms are built, mostly from the
 * cache, and pushed with the tags of the policy.
 */
export class ImageJobs {
  readonly strategy: NonNullable<Job['strategy']>;
  readonly scripts: readonly WorkflowScript[];
  readonly #props: ImageJobsProps;
  readonly #platforms: readonly string[];

  /** @throws Error if the prefix has capital letters: registries refuse them, and scanners trip over them */
  constructor(props: ImageJobsProps) {
    if (props.prefix !== props.prefix.toLowerCase()) {
      throw new Error(`images: the path ${props.prefix} must be all lower case`);
    }
    this.#props = props;
    this.#platforms = [...new Set(props.services.flatMap(platformsOf))];
    this.strategy = {
      'fail-fast': false,
      matrix: {
        include: props.services.map((service) => ({
          service: service.name,
          repository: `${props.prefix}/${service.name}`,
          dockerfile: service.dockerfile,
          context: buildContextOf(service),
          platforms: platformsOf(service).join(','),
        })),
      },
    };
    this.scripts = [{ path: `${scriptsFolder}/scan.sh`, content: scanScript }];
  }

  /** Works out the tags; the other steps need it before them. */
  tags(): WorkflowStep {
    return tagStep(this.#props.tagPolicy);
  }

  /** What builds need on the runner. */
  setUp(): readonly WorkflowStep[] {
    return builder(this.#platforms);
  }

  /** Builds the image of this job for the runner's own platform, with its tags, and scans it. */
  buildAndScan(): readonly WorkflowStep[] {
    const candidate = `${expression('matrix.repository')}:candidate`;
    const report = `reports/${expression('matrix.service')}.sarif`;
    return [
      buildImage({
        name: 'Build for the scan',
        ...this.common(),
        platforms: 'linux/amd64',
        tags: `${candidate}\n${references('matrix.repository')}`,
        result: 'load',
        cacheTo: `type=gha,mode=max,scope=${expression('matrix.service')}-scan`,
        cacheFrom: `type=gha,scope=${expression('matrix.service')}-scan`,
      }),
      script('Scan the image', `bash ${scriptsFolder}/scan.sh image "$IMAGE" "$NAME"\n`, {
        env: {
          IMAGE: candidate,
          NAME: expression('matrix.service'),
          TRIVY_IMAGE: this.#props.trivy,
          SEVERITY: this.#props.severity ?? 'HIGH,CRITICAL',
        },
      }),
      use(actions.uploadSarif, {
        name: 'Upload the findings',
        if: `always() && hashFiles('reports/*.sarif') != '' && (${mayUpload})`,
        with: { sarif_file: report, category: expression('matrix.service') },
      }),
    ];
  }

  /** Builds all platforms and pushes them with their tags. @param condition when, as an expression; default always */
  push(condition?: string): readonly WorkflowStep[] {
    const when = condition === undefined ? {} : { if: condition };
    const scope = expression('matrix.service');
    return [
      registryLogin({ ...this.#props.login, ...when }),
      {
        ...buildImage({
          name: 'Build and push',
          ...this.common(),
          platforms: expression('matrix.platforms'),
          tags: references('matrix.repository'),
          result: 'push',
          cacheFrom: `type=gha,scope=${scope}-scan\ntype=gha,scope=${scope}`,
          cacheTo: `type=gha,mode=max,scope=${scope}`,
        }),
        ...when,
      },
      script('Say what was pushed', 'printf "%s\\n" "$TAGS" | sed "s|^|- $REPOSITORY:|" >> "$GITHUB_STEP_SUMMARY"\n', {
        ...when,
        env: { TAGS: expression('steps.tags.outputs.tags'), REPOSITORY: expression('matrix.repository') },
      }),
    ];
  }

  private common() {
    const { buildArguments } = this.#props;
    return {
      context: expression('matrix.context'),
      dockerfile: expression('matrix.dockerfile'),
      ...(buildArguments === undefined ? {} : { arguments: buildArguments }),
    };
  }
}
