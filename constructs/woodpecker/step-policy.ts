import { Construct } from 'constructs';
import { type Image, imageReference } from '../../model/image.ts';
import { AdmissionPolicy } from '../core/index.ts';
import { celList, celText } from '../workload/index.ts';
import { stepLabels, stepLabelValue } from './names.ts';

export interface StepPolicyProps {
  readonly stepsNamespace: string;
  /** Images that may run privileged, as the server's `privilegedPlugins`. */
  readonly privilegedPlugins: readonly Image[];
  /** Secrets that steps may mount, as the agent's `nativeSecrets`. @default - none */
  readonly nativeSecrets?: readonly string[];
  /** Which step may use which service account. @default - none: every step runs without an account of its own */
  readonly accounts?: readonly StepAccount[];
  /** Name of the policy. @default 'woodpecker-steps' */
  readonly name?: string;
}

/** One service account and the one step that may use it. */
export interface StepAccount {
  /** Service account in the step namespace. */
  readonly serviceAccount: string;
  /** `owner/name` of the repository in the forge. */
  readonly repository: string;
  readonly branch: string;
  /** Events of the pipeline; never `pull_request`, whose branch label names the target. */
  readonly events: readonly string[];
  /** Name of the step. */
  readonly step: string;
}

/**
 * What step pods must not be, whatever a pipeline file says: another step's account, somebody's Secret, a privileged container
 * other than the build plugin, a pod with the node's network, processes or files.
 *
 * Woodpecker stamps the labels that decide about accounts; pipeline authors cannot set them.
 *
 * @throws if an account may be used by pull requests
 */
export class StepPolicy extends Construct {
  constructor(scope: Construct, id: string, props: StepPolicyProps) {
    super(scope, id);
    const accounts = props.accounts ?? [];
    const open = accounts.find((account) => account.events.some((event) => event.startsWith('pull_request')));
    if (open)
      throw new Error(`account ${open.serviceAccount}: pull requests come from anybody; leave them out of its events`);
    new AdmissionPolicy(this, 'Policy', {
      name: props.name ?? 'woodpecker-steps',
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': props.stepsNamespace } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      variables: [
        { name: 'account', expression: "object.spec.?serviceAccountName.orValue('default')" },
        { name: 'labels', expression: 'object.metadata.?labels.orValue({})' },
        { name: 'containers', expression: 'object.spec.containers + object.spec.?initContainers.orValue([])' },
        { name: 'volumes', expression: 'object.spec.?volumes.orValue([])' },
        { name: 'privilegedImages', expression: celList(props.privilegedPlugins.flatMap(spellings)) },
        { name: 'sharedSecrets', expression: celList(props.nativeSecrets ?? []) },
      ],
      validations: [
        {
          expression: ["variables.account in ['', 'default']", ...accounts.map(mayUse)].join(' || '),
          messageExpression: "'this step may not run as service account ' + variables.account",
        },
        {
          expression:
            'variables.containers.all(c, !c.?securityContext.?privileged.orValue(false) || c.image in variables.privilegedImages)',
          message: 'only the image build plugin may run privileged',
        },
        {
          expression:
            '![object.spec.?hostNetwork, object.spec.?hostPID, object.spec.?hostIPC].exists(o, o.orValue(false)) && !variables.volumes.exists(v, has(v.hostPath))',
          message: 'steps get no network, processes or files of the node',
        },
        {
          expression:
            "variables.volumes.all(v, !has(v.secret) || v.secret.?secretName.orValue('') in variables.sharedSecrets)",
          message: 'steps may mount only the Secrets that are shared with them',
        },
        {
          expression:
            "variables.containers.all(c, c.?envFrom.orValue([]).all(e, !has(e.secretRef) || e.secretRef.name in variables.sharedSecrets) && c.?env.orValue([]).all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef) || e.valueFrom.secretKeyRef.name in variables.sharedSecrets || e.valueFrom.secretKeyRef.name == object.metadata.name + '-step-secret'))",
          message: "steps may read only their own pipeline's Secrets and those that are shared with them",
        },
      ],
    });
  }
}

/** CEL: this pod is the step that the account belongs to. */
function mayUse(account: StepAccount): string {
  const repositoryName = account.repository.slice(account.repository.lastIndexOf('/') + 1);
  const conditions = [
    `variables.account == ${celText(account.serviceAccount)}`,
    labelIs(stepLabels.repository, [stepLabelValue(account.repository)]),
    labelIs(stepLabels.repositoryName, [stepLabelValue(repositoryName)]),
    labelIs(stepLabels.branch, [stepLabelValue(account.branch)]),
    labelIs(stepLabels.event, account.events),
    labelIs(stepLabels.step, [stepLabelValue(account.step)]),
  ];
  return `(${conditions.join(' && ')})`;
}

function labelIs(label: string, values: readonly string[]): string {
  return `variables.labels[?${celText(label)}].orValue('') in ${celList(values)}`;
}

/** The ways in which a pipeline file may write an image: Docker Hub's address is optional there. */
function spellings(image: Image): string[] {
  const reference = imageReference({ ...image, digest: undefined });
  const short = reference.replace(/^docker\.io\/(library\/)?/, '');
  return [...new Set([reference, short])];
}
