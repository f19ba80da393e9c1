import { Construct } from 'constructs';
import { WorkflowTemplate } from '../../imports/argoproj.io.ts';
import { type EnvVar, Quantity, type Volume, type VolumeMount } from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import { plainData, type Resources, resourceRequirements, restrictedContainer } from '../workload/index.ts';
import { workflowDefaults } from './defaults.ts';
import { workflowProblems } from './lint.ts';
import type { DagTask, Synchronization, Template, WorkflowSpec } from './spec.ts';

/** A fact that a run is started with. */
export interface RunFact {
  /** Name of the parameter; the program reads it as an environment variable in upper case. */
  readonly name: string;
  readonly description: string;
  /** @default - has to be given */
  readonly default?: string;
}

/** One step: a command of the program. */
export interface ProgramStep {
  readonly name: string;
  /** What follows the program's file, for example `['build']`. */
  readonly args: readonly string[];
  /** Steps that come before. @default - none */
  readonly after?: readonly string[];
  /** Secret that is mounted at /credentials. @default - none */
  readonly credentials?: string;
  /** File whose content is kept as the step's output `result`. @default - none */
  readonly result?: string;
  /** Seconds at most. @default 600 */
  readonly deadline?: number;
  /** Tries again when a server does not answer. @default false: the step itself knows what may be repeated */
  readonly retry?: boolean;
  /** What may not run at the same time. @default - nothing */
  readonly synchronization?: Synchronization;
}

export interface ProgramWorkflowProps {
  readonly name: string;
  readonly description: string;
  readonly facts: readonly RunFact[];
  readonly steps: readonly ProgramStep[];
  /** Node image with Git. */
  readonly image: Image;
  readonly serviceAccount: string;
  /** Command without arguments, its volumes and where they are mounted. */
  readonly program: {
    readonly command: readonly string[];
    readonly volumes: readonly Volume[];
    readonly mounts: readonly VolumeMount[];
  };
  /** Environment of every step. @default - none */
  readonly env?: readonly EnvVar[];
  /** Seconds for the whole run. @default 7200 */
  readonly deadline?: number;
  /** @default 50m CPU, 128Mi, at most 256Mi */
  readonly resources?: Resources;
}

/**
 * A WorkflowTemplate whose steps are commands of one program. The facts of a run reach it as environment variables, never as
 * text of a command, and no step is a shell script.
 *
 * @throws Error with everything that would fail at the first run
 */
export class ProgramWorkflow extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: ProgramWorkflowProps) {
    super(scope, id);
    this.name = props.name;
    const spec = this.spec(props);
    const problems = workflowProblems(spec);
    if (problems.length > 0) throw new Error(`workflow ${props.name}: ${problems.join('; ')}`);
    new WorkflowTemplate(this, 'Template', {
      metadata: {
        name: props.name,
        annotations: { 'workflows.argoproj.io/description': props.description },
      },
      spec: plainData(spec),
    });
  }

  private spec(props: ProgramWorkflowProps): WorkflowSpec {
    const main: Template = { name: 'main', dag: { tasks: props.steps.map(task) } };
    const secrets = [...new Set(props.steps.flatMap((step) => step.credentials ?? []))];
    return {
      entrypoint: main.name,
      serviceAccountName: props.serviceAccount,
      arguments: {
        parameters: props.facts.map(({ name, description, default: value }) => ({
          name,
          description,
          ...(value === undefined ? {} : { value }),
        })),
      },
      ...workflowDefaults,
      activeDeadlineSeconds: props.deadline ?? 7200,
      volumes: [
        ...props.program.volumes,
        { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('512Mi') } },
        ...secrets.map((secretName): Volume => ({ name: secretName, secret: { secretName, defaultMode: 0o440 } })),
      ],
      templates: [main, ...props.steps.map((step) => this.step(step, props))],
    };
  }

  private step(step: ProgramStep, props: ProgramWorkflowProps): Template {
    const facts = props.facts.map(
      ({ name }): EnvVar => ({
        name: name.toUpperCase().replaceAll('-', '_'),
        value: `{{workflow.parameters.${name}}}`,
      }),
    );
    const login: VolumeMount[] =
      step.credentials === undefined ? [] : [{ name: step.credentials, mountPath: '/credentials', readOnly: true }];
    return {
      name: step.name,
      activeDeadlineSeconds: step.deadline ?? 600,
      ...(step.synchronization ? { synchronization: step.synchronization } : {}),
      ...(step.retry
        ? { retryStrategy: { limit: 3, retryPolicy: 'OnError', backoff: { duration: '10s', factor: 2 } } as const }
        : {}),
      ...(step.result === undefined
        ? {}
        : { outputs: { parameters: [{ name: 'result', valueFrom: { path: step.result } }] } }),
      container: {
        image: imageReference(props.image),
        command: [...props.program.command],
        args: [...step.args],
        env: [...facts, ...(props.env ?? [])],
        resources: resourceRequirements(props.resources ?? { cpu: '50m', memory: '128Mi', memoryLimit: '256Mi' }),
        securityContext: restrictedContainer(),
        volumeMounts: [...props.program.mounts, { name: 'tmp', mountPath: '/tmp' }, ...login],
      },
    };
  }
}

function task(step: ProgramStep): DagTask {
  return {
    name: step.name,
    template: step.name,
    ...(step.after === undefined ? {} : { dependencies: [...step.after] }),
  };
}
