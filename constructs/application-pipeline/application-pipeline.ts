import type { EvidenceConfiguration, ResultsFormat } from '../../model/evidence.ts';
import { Pipeline } from '../../model/pipeline/pipeline.ts';
import {
  CommandStep,
  ImageBuildStep,
  type MountedFile,
  type PipelineSecret,
  type Step,
  type StepResources,
  WorkspaceFile,
} from '../../model/pipeline/step.ts';
import { type TextLike, text, variable } from '../../model/pipeline/text.ts';
import type { Trigger } from '../../model/pipeline/trigger.ts';
import { inWaves } from '../../model/pipeline/waves.ts';
import {
  buildContextOf,
  buildWaves,
  platformsOf,
  type ServiceCatalogue,
  serviceCatalogue,
} from '../../model/service-catalogue.ts';
import { type TagPolicy, tagRule } from '../../model/tag-policy.ts';
import mirrorScript from './mirror.sh';

/** A file that the pipeline brings into the application's repository. */
export interface RepositoryFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly content: string;
  readonly executable: boolean;
}

/** Where the checks of the Python services run. */
export interface PythonChecks {
  /** Image with Python and pip. */
  readonly image: string;
  /**
   * Version of ruff to install.
   * @default '0.14.6'
   */
  readonly ruff?: string;
  /**
   * Commands that install what the tests need.
   * @default pip install of requirements.txt
   */
  readonly install?: readonly string[];
  /** Argument of `ruff check` (R3.2). @default 'services/' */
  readonly sources?: string;
  /** Argument of `pytest` (R3.3). @default 'tests/' */
  readonly tests?: string;
}

/** Where the tests of the frontend run (R3.4). */
export interface FrontendChecks {
  /** Image with Node and npm. */
  readonly image: string;
  /** Folder with package.json and package-lock.json. @default 'frontend' */
  readonly folder?: string;
}

/** Where the images go (R4.4). */
export interface PipelineRegistry {
  /** Host, with the port if it is not 443. */
  readonly host: string;
  /** Path below the host that the services' names follow: `stonks-oracle`. */
  readonly path: string;
  /** User and password as secrets of the CI engine. @default none: it needs no login (R10.2) */
  readonly login?: { readonly user: PipelineSecret; readonly password: PipelineSecret };
  /**
   * Secret with the certificate authority of the registry, in the namespace of the steps; it must exist, else no build
   * starts. @default the public authorities
   */
  readonly certificate?: { readonly secret: string; readonly key: string };
  /** Tag of the image that keeps the build cache of a service. @default 'buildcache' */
  readonly cacheTag?: string;
}

/** The integration test (R5). */
export interface IntegrationTest {
  /** Image with bash and whatever the script uses. */
  readonly image: string;
  /** The script; it gets `--image-tag` and the commit. @default 'infra/inttest/run_pipeline.sh' */
  readonly script?: string;
  /** Commands to run before, in the same shell. @default none */
  readonly prepare?: readonly TextLike[];
  /** Namespace that is opened before the script runs. @default the script makes its own */
  readonly sandbox?: TestSandbox;
  /** More variables for the script. @default none */
  readonly environment?: Readonly<Record<string, TextLike>>;
  /** Kubernetes service account of the step (R26). @default the engine's own */
  readonly serviceAccount?: string;
  /** Where the counts stand in the results file. @default inttest-results.json with total, passed, failed and commit */
  readonly results?: Partial<Omit<ResultsFormat, 'outcomeFile'>>;
}

/** A namespace of its own for one run of the test, opened by the step, deleted by the script. */
export interface TestSandbox {
  /** Text of the shell script that opens it: gets the name as argument, and prints it. */
  readonly script: string;
  /** Beginning of the name, which the run number follows; the test's script gets the name as SANDBOX_NAMESPACE. */
  readonly prefix: string;
  /** What the script needs in its environment: label, role and account of the sandbox. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a result becomes evidence for promotions. */
export interface Evidence {
  /** The bundled program runtime/evidence. */
  readonly program: string;
  /** Image with Node 20 or later. */
  readonly image: string;
  /** Context of the commit status. @default 'integration-test' */
  readonly context?: string;
  /**
   * Context of a commit status of its own for "checks passed, every image is pushed". Its step hands the image tag to later
   * ones, so the engine must have outputs of steps.
   * @default - none: only the integration test counts
   */
  readonly builtContext?: string;
  readonly forge: {
    readonly kind: 'gitea' | 'github';
    /** Base of the API: `http://10.1.1.12:30300/api/v1` or `https://api.github.com`. */
    readonly api: string;
    /** Certificate authority of the forge, if private. @default the public authorities */
    readonly certificate?: { readonly secret: string; readonly key: string };
  };
  /** Secret with a token that may set commit statuses (and write packages). */
  readonly token: PipelineSecret;
  /**
   * Base address of the generic package that keeps the results.
   * @default the results are kept as an artifact of the CI engine, which must have artifacts
   */
  readonly package?: string;
  /**
   * Whether it asks the registry for all images; not for registries that hand out tokens first.
   * @default true
   */
  readonly checkImages?: boolean;
}

/** A copy of the repository at a public place (R6). */
export interface Mirror {
  /** Image with Git and a POSIX shell. */
  readonly image: string;
  /** Address of the forge, without a slash at the end; the repository's path follows. */
  readonly forge: string;
  /** Secret with a token that reads the repository and writes refs/mirrored/* into it. */
  readonly forgeToken: PipelineSecret;
  /** Repository to copy to. */
  readonly target: string;
  /** Secret with a token that may push there (and change workflows); `unset` turns the mirror off. */
  readonly targetToken: PipelineSecret;
  /** Seconds until it is given up. @default 600 */
  readonly timeoutSeconds?: number;
}

export interface ApplicationPipelineProps {
  /** Name of the pipeline. */
  readonly name: string;
  readonly services: ServiceCatalogue;
  readonly tagPolicy: TagPolicy;
  readonly registry: PipelineRegistry;
  readonly python: PythonChecks;
  readonly frontend: FrontendChecks;
  readonly integrationTest: IntegrationTest;
  readonly evidence: Evidence;
  /** @default no mirror */
  readonly mirror?: Mirror;
  /** Image builds at a time. @default 3 */
  readonly buildsAtATime?: number;
  /** Requests and limits by kind of step. @default the engine's own */
  readonly resources?: {
    readonly check?: StepResources;
    readonly build?: StepResources;
    readonly test?: StepResources;
  };
}

/** Folder of our files in the application's repository. */
const folder = '.pipelines';

/** Where the file of a mounted certificate authority is. */
const certificatePath = '/etc/pipelines/ca.crt';

/**
 * The delivery pipeline of an application with Python services and a frontend, for any CI engine (R3–R6, R14, R27):
 * checks side by side, images in waves with the watched one last, integration test, evidence, mirror.
 *
 * The evidence never rests on "the step before was green", because some engines report an evicted step as a success: the
 * program reads the results, and sets the commit status that promotions look at.
 */
export class ApplicationPipeline {
  readonly pipeline: Pipeline;
  /** Files that belong into the application's repository, besides the pipeline file itself. */
  readonly files: readonly RepositoryFile[];
  /** What the pipeline takes for granted in the application's repository: files, and folders with a slash at the end. */
  readonly expects: readonly string[];
  readonly #props: ApplicationPipelineProps;
  readonly #onRelease: readonly Trigger[];
  readonly #results: ResultsFormat;
  readonly #resultsFile: WorkspaceFile;
  readonly #outcomeFile: WorkspaceFile;

  constructor(props: ApplicationPipelineProps) {
    this.#props = props;
    serviceCatalogue(props.services);
    this.#onRelease = [{ on: 'push', branches: [props.tagPolicy.releaseBranch] }];
    this.#results = {
      file: 'inttest-results.json',
      outcomeFile: 'inttest-outcome.txt',
      total: 'total',
      passed: 'passed',
      failed: 'failed',
      commit: 'commit',
      ...props.integrationTest.results,
    };
    this.#resultsFile = new WorkspaceFile(this.#results.file);
    this.#outcomeFile = new WorkspaceFile(this.#results.outcomeFile);
    const checks = [this.lint(), this.pythonTests(), this.frontendTests()];
    const pending = this.pendingEvidence();
    const builds = this.builds([...checks, pending]);
    const record = this.record(builds);
    const test = this.integrationTest(builds, record);
    const evidence = this.evidence(test);
    this.pipeline = new Pipeline(props.name, {
      triggers: [...this.#onRelease, { on: 'pull-request' }],
      steps: [...checks, pending, ...builds, ...(record ? [record] : []), test, evidence, ...this.mirror(evidence)],
      whenRunning: 'queue',
    });
    this.files = this.repositoryFiles();
    this.expects = this.expectedFiles();
  }

  private lint(): CommandStep {
    const { image, ruff = '0.14.6', sources = 'services/' } = this.#props.python;
    return new CommandStep('lint', {
      image,
      commands: [`pip install --quiet --disable-pip-version-check ruff==${ruff}`, `ruff check ${sources}`],
      resources: this.#props.resources?.check,
    });
  }

  private pythonTests(): CommandStep {
    const { image, install = ['pip install --quiet --disable-pip-version-check --requirement requirements.txt'] } =
      this.#props.python;
    return new CommandStep('pytest', {
      image,
      commands: [...install, `pytest ${this.#props.python.tests ?? 'tests/'}`],
      resources: this.#props.resources?.check,
    });
  }

  private frontendTests(): CommandStep {
    const { image, folder: directory = 'frontend' } = this.#props.frontend;
    return new CommandStep('vitest', {
      image,
      directory,
      // Plain `vitest` would wait for changes where it finds a terminal.
      commands: ['npm ci --no-audit --no-fund', 'npx vitest run'],
      resources: this.#props.resources?.check,
    });
  }

  /** A second run of a commit must not profit from the first one's success while its images are being replaced. */
  private pendingEvidence(): CommandStep {
    return new CommandStep('evidence-pending', {
      ...this.evidenceProgram('pending'),
      when: this.#onRelease,
    });
  }

  private builds(after: readonly Step[]): readonly ImageBuildStep[] {
    const { services, registry, tagPolicy, buildsAtATime = 3 } = this.#props;
    const tags = tagRule(tagPolicy, 'release-branch')?.tags ?? [];
    return inWaves(buildWaves(services, buildsAtATime), after, (service, needs) => {
      const repository = `${registry.host}/${registry.path}/${service.name}`;
      return new ImageBuildStep(`build-${service.name}`, {
        needs,
        when: this.#onRelease,
        group: 'build',
        registry: registry.host,
        repository,
        tags,
        dockerfile: service.dockerfile,
        context: buildContextOf(service),
        platforms: platformsOf(service),
        buildArguments: service.buildArguments,
        cache: `${repository}:${registry.cacheTag ?? 'buildcache'}`,
        login: registry.login,
        mounts: mountedAt(registry.certificate, `/etc/docker/certs.d/${registry.host}/ca.crt`),
        resources: this.#props.resources?.build,
      });
    });
  }

  /** The tag that everything after this deploys; only there once all images are. */
  private record(builds: readonly Step[]): CommandStep | undefined {
    if (this.#props.evidence.builtContext === undefined) {
      return undefined;
    }
    return new CommandStep('image-tag', {
      ...this.evidenceProgram('built'),
      needs: builds,
      when: this.#onRelease,
    });
  }

  private integrationTest(builds: readonly Step[], record: CommandStep | undefined): CommandStep {
    const { image, script, prepare = [], sandbox, environment, serviceAccount } = this.#props.integrationTest;
    const { file, outcomeFile } = this.#results;
    return new CommandStep('integration-test', {
      image,
      needs: record === undefined ? builds : [record],
      when: this.#onRelease,
      environment: {
        IMAGE_TAG: record?.output('image_tag') ?? variable('commitSha'),
        RUN_NUMBER: variable('runNumber'),
        ...sandbox?.environment,
        ...environment,
      },
      commands: [
        `rm -f ${file} ${outcomeFile}`,
        // Written by the shell when it ends, whatever ends it; a pod that is taken away leaves nothing.
        `trap 'echo "$IMAGE_TAG $RUN_NUMBER $?" > ${outcomeFile}' EXIT`,
        ...(sandbox === undefined
          ? []
          : [
              text`SANDBOX_NAMESPACE=$(bash ${folder}/open-sandbox.sh ${sandbox.prefix}${variable('runNumber')})`,
              'export SANDBOX_NAMESPACE',
            ]),
        ...prepare,
        text`bash ${script ?? 'infra/inttest/run_pipeline.sh'} --image-tag ${variable('commitSha')}`,
      ],
      produces: [this.#resultsFile, this.#outcomeFile],
      serviceAccount,
      resources: this.#props.resources?.test,
    });
  }

  private evidence(test: CommandStep): CommandStep {
    const { evidence } = this.#props;
    return new CommandStep('evidence', {
      ...this.evidenceProgram('publish'),
      when: this.#onRelease,
      runsOn: 'always',
      consumes: [
        { file: this.#resultsFile, from: test },
        { file: this.#outcomeFile, from: test },
      ],
      artifacts: evidence.package === undefined ? [{ name: 'inttest-results', path: this.#results.file }] : [],
    });
  }

  private evidenceProgram(command: 'pending' | 'built' | 'publish') {
    const { evidence, registry } = this.#props;
    const certificate = evidence.forge.certificate ?? registry.certificate;
    const login = evidence.checkImages === false ? undefined : registry.login;
    return {
      image: evidence.image,
      commands: [`node ${folder}/evidence.cjs ${command}`],
      environment: {
        COMMIT_SHA: variable('commitSha'),
        REPOSITORY: variable('repository'),
        RUN_NUMBER: variable('runNumber'),
        RUN_URL: variable('runUrl'),
        ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificatePath }),
      },
      secrets: {
        FORGE_TOKEN: evidence.token,
        ...(login === undefined ? {} : { REGISTRY_USERNAME: login.user, REGISTRY_PASSWORD: login.password }),
      },
      mounts: mountedAt(certificate, certificatePath),
    };
  }

  /** Last of all, so that neither its failure nor a slow answer can hold up a promotion (R6.5). */
  private mirror(evidence: Step): readonly CommandStep[] {
    const { mirror } = this.#props;
    if (mirror === undefined) {
      return [];
    }
    const certificate = this.#props.evidence.forge.certificate;
    return [
      new CommandStep('mirror', {
        image: mirror.image,
        needs: [evidence],
        when: this.#onRelease,
        mayFail: true,
        commands: [`timeout ${mirror.timeoutSeconds ?? 600} sh ${folder}/mirror.sh`],
        environment: {
          SOURCE_URL: text`${mirror.forge}/${variable('repository')}.git`,
          TARGET_URL: mirror.target,
          ...(certificate === undefined ? {} : { GIT_SSL_CAINFO: certificatePath }),
        },
        secrets: { SOURCE_TOKEN: mirror.forgeToken, TARGET_TOKEN: mirror.targetToken },
        mounts: mountedAt(certificate, certificatePath),
      }),
    ];
  }

  private repositoryFiles(): readonly RepositoryFile[] {
    const { evidence, mirror, integrationTest } = this.#props;
    const { sandbox } = integrationTest;
    return [
      {
        path: `${folder}/evidence.json`,
        content: `${JSON.stringify(this.evidenceConfiguration(), undefined, 2)}\n`,
        executable: false,
      },
      { path: `${folder}/evidence.cjs`, content: evidence.program, executable: false },
      ...(sandbox === undefined
        ? []
        : [{ path: `${folder}/open-sandbox.sh`, content: sandbox.script, executable: true }]),
      ...(mirror === undefined ? [] : [{ path: `${folder}/mirror.sh`, content: mirrorScript, executable: true }]),
    ];
  }

  private evidenceConfiguration(): EvidenceConfiguration {
    const { evidence, registry, services } = this.#props;
    return {
      context: evidence.context ?? 'integration-test',
      builtContext: evidence.builtContext,
      results: this.#results,
      forge: { kind: evidence.forge.kind, api: evidence.forge.api },
      package: evidence.package,
      manifests:
        evidence.checkImages === false
          ? []
          : services.services.map(({ name }) => `https://${registry.host}/v2/${registry.path}/${name}/manifests`),
      timeoutSeconds: 20,
      attempts: 4,
    };
  }

  private expectedFiles(): readonly string[] {
    const { services, python, frontend, integrationTest } = this.#props;
    const frontendFolder = frontend.folder ?? 'frontend';
    return [
      ...services.services.flatMap((service) => [service.dockerfile, `${buildContextOf(service)}/`]),
      python.sources ?? 'services/',
      python.tests ?? 'tests/',
      ...(python.install === undefined ? ['requirements.txt'] : []),
      `${frontendFolder}/package.json`,
      `${frontendFolder}/package-lock.json`,
      integrationTest.script ?? 'infra/inttest/run_pipeline.sh',
    ].filter((path, index, all) => path !== './' && all.indexOf(path) === index);
  }
}

function mountedAt(
  source: { readonly secret: string; readonly key: string } | undefined,
  path: string,
): readonly MountedFile[] {
  return source === undefined ? [] : [{ ...source, path }];
}
