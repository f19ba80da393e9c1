import type { ActionStep } from './workflow.ts';

/** An action at one commit. Tags can be moved to other code; a commit cannot. */
export interface PinnedAction {
  /** `owner/name`, with a folder behind it for an action that is not in the root. */
  readonly action: string;
  /** The release that the commit is. */
  readonly version: string;
  /** All 40 characters. */
  readonly commit: string;
}

/**
 * The actions that workflows may use. To renew one: `git ls-remote https://github.com/OWNER/NAME 'refs/tags/VERSION*'`
 * gives the commit (the line that ends in `^{}`, if there is one).
 */
export const actions = {
  checkout: { action: 'actions/checkout', version: 'v4.2.2', commit: '11bd71901bbe5b1630ceea73d27597364c9af683' },
  setupPython: {
    action: 'actions/setup-python',
    version: 'v5.6.0',
    commit: 'a26af69be951a213d495a4c3e4e4022e16d87065',
  },
  setupNode: { action: 'actions/setup-node', version: 'v4.4.0', commit: '49933ea5288caeca8642d1e84afbd3f7d6820020' },
  uploadArtifact: {
    action: 'actions/upload-artifact',
    version: 'v4.6.2',
    commit: 'ea165f8d65b6e75b540449e92b4886f43607fa02',
  },
  downloadArtifact: {
    action: 'actions/download-artifact',
    version: 'v4.3.0',
    commit: 'd3f86a106a0bac45b974a628896c90dbdf5c8093',
  },
  dockerLogin: { action: 'docker/login-action', version: 'v3.4.0', commit: '74a5d142397b4f367a81961eba4e8cd7edddf772' },
  setupQemu: {
    action: 'docker/setup-qemu-action',
    version: 'v3.6.0',
    commit: '29109295f81e9208d7d86ff1c6c12d2833863392',
  },
  setupBuildx: {
    action: 'docker/setup-buildx-action',
    version: 'v3.11.1',
    commit: 'e468171a9de216ec08956ac3ada2f0791b6bd435',
  },
  buildPush: {
    action: 'docker/build-push-action',
    version: 'v6.18.0',
    commit: '263435318d21b8e681c14492fe198d362a7d2c83',
  },
  setupHelm: { action: 'azure/setup-helm', version: 'v4.3.0', commit: 'b9e51907a09c216f16ebe8536097933489208112' },
  setupKubectl: {
    action: 'azure/setup-kubectl',
    version: 'v4.0.1',
    commit: '776406bce94f63e41d621b960d78ee25c8b76ede',
  },
  uploadSarif: {
    action: 'github/codeql-action/upload-sarif',
    version: 'v3.28.18',
    commit: 'ff0a06e83cb2de871e5a09832bc6a81e7276941f',
  },
} as const satisfies Readonly<Record<string, PinnedAction>>;

/** A step that runs an action, pinned by its commit. */
export function use(action: PinnedAction, fields: Omit<ActionStep, 'uses'> = {}): ActionStep {
  const { id, name, if: condition, ...rest } = fields;
  return {
    ...(name === undefined ? {} : { name }),
    ...(id === undefined ? {} : { id }),
    ...(condition === undefined ? {} : { if: condition }),
    uses: `${action.action}@${action.commit}`,
    ...rest,
  };
}

/** The release of a pinned `uses`, for the comment behind it. */
export function versionOf(uses: string): string | undefined {
  return Object.values(actions).find(({ action, commit }) => uses === `${action}@${commit}`)?.version;
}
