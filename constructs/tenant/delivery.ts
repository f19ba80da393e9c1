import { Construct } from 'constructs';
import type { Image } from '../../model/image.ts';
import { ProgramWorkflow, type ProgramWorkflowProps, type RunFact } from '../argo-workflows/index.ts';
import { ProgramConfigMap } from '../program/index.ts';
import { namespaceOf } from '../workload/index.ts';
import { buildSemaphore } from './runner.ts';

/** Names of the templates that the dispatcher and people start. */
export const deliveryWorkflow = { build: 'build', release: 'release', promote: 'promote' } as const;

export interface DeliveryProgramProps {
  /** The bundled text of runtime/delivery. */
  readonly text: string;
  /** Its settings, as JSON. */
  readonly settings: string;
}

const folder = '/program';
const settingsFile = 'settings.json';

/** The delivery program with its settings, as steps run it. */
export class DeliveryProgram extends Construct {
  readonly program: ProgramWorkflowProps['program'];

  constructor(scope: Construct, id: string, props: DeliveryProgramProps) {
    super(scope, id);
    const config = new ProgramConfigMap(this, 'Program', {
      name: 'delivery',
      program: 'delivery',
      text: props.text,
      files: { [settingsFile]: props.settings },
    });
    this.program = {
      command: config.command(folder, '--settings', `${folder}/${settingsFile}`),
      volumes: [config.volume()],
      mounts: [config.mount(folder)],
    };
  }
}

export interface TenantDeliveryProps {
  readonly program: DeliveryProgramProps;
  /** Node with Git. */
  readonly image: Image;
  readonly serviceAccount: string;
  /** Secret with username and password of the forge. */
  readonly forgeSecret: string;
  /** Seconds that one build may take, for the step's deadline. */
  readonly buildSeconds: number;
}

const application: RunFact = { name: 'application', description: 'Name of the application' };
const revision: RunFact = { name: 'revision', description: 'Commit, 40 hexadecimal digits' };
const ref: RunFact = { name: 'ref', description: 'refs/heads/BRANCH or refs/tags/TAG' };

/** A tenant's workflows: build and deploy to the sandbox, release a Git tag, propose the sandbox's image for production. */
export class TenantDelivery extends Construct {
  constructor(scope: Construct, id: string, props: TenantDeliveryProps) {
    super(scope, id);
    const { program } = new DeliveryProgram(this, 'Delivery', props.program);
    const common = {
      image: props.image,
      serviceAccount: props.serviceAccount,
      program,
      env: [{ name: 'NAMESPACE', value: namespaceOf(this) }],
    };
    const build = {
      name: 'build',
      args: ['build', '--output', '/tmp/image'],
      result: '/tmp/image',
      deadline: props.buildSeconds,
      synchronization: {
        semaphores: [{ configMapKeyRef: { ...buildSemaphore } }],
        // kpack builds the newest revision of an Image and passes over one that was replaced before it looked.
        mutexes: [{ name: 'builds-{{workflow.parameters.application}}' }],
      },
    };
    const write = {
      credentials: props.forgeSecret,
      synchronization: { mutexes: [{ name: 'overlays-{{workflow.parameters.application}}' }] },
      retry: true,
    };
    new ProgramWorkflow(this, 'Build', {
      ...common,
      name: deliveryWorkflow.build,
      description: 'Builds a commit of main and deploys it to the sandbox',
      facts: [application, revision, ref],
      steps: [build, { name: 'deploy', args: ['deploy'], after: ['build'], ...write }],
    });
    new ProgramWorkflow(this, 'Release', {
      ...common,
      name: deliveryWorkflow.release,
      description: 'Builds a Git tag and opens the pull request that brings it to production',
      facts: [application, revision, ref],
      steps: [build, { name: 'promote', args: ['promote'], after: ['build'], ...write }],
    });
    new ProgramWorkflow(this, 'Promote', {
      ...common,
      name: deliveryWorkflow.promote,
      description: "Opens the pull request that brings the sandbox's image to production; people merge it",
      facts: [application],
      steps: [{ name: 'promote', args: ['promote'], ...write }],
    });
  }
}
