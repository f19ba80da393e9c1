/** Names that server, agent, steps and their guards have in common. */
export const woodpeckerNames = {
  server: 'woodpecker-server',
  agent: 'woodpecker-agent',
  /** Port of the dashboard, the API and the webhook. */
  httpPort: 8000,
  /** Port that agents connect to. */
  grpcPort: 9000,
  /** Port of the metrics, without log-in. */
  metricsPort: 9001,
} as const;

/** Labels of the server's pods. */
export const serverLabels = { 'app.kubernetes.io/name': woodpeckerNames.server } as const;

/** Labels of the agents' pods. */
export const agentLabels = { 'app.kubernetes.io/name': woodpeckerNames.agent } as const;

/** Labels that Woodpecker itself puts on every step's pod; authors cannot set labels with this prefix. */
export const stepLabels = {
  repository: 'woodpecker-ci.org/repo-full-name',
  repositoryName: 'woodpecker-ci.org/repo-name',
  branch: 'woodpecker-ci.org/commit-branch',
  event: 'woodpecker-ci.org/event',
  step: 'woodpecker-ci.org/step',
  task: 'woodpecker-ci.org/task-uuid',
} as const;

/**
 * A text as Woodpecker writes it into a pod's label: lower case, every run of other characters one "-".
 *
 * @throws on a text of more than 63 characters: Woodpecker shortens it with a hash, and two texts could look alike
 */
export function stepLabelValue(text: string): string {
  const value = text
    .toLowerCase()
    .replaceAll(/[^-_.a-z0-9]+/g, '-')
    .replaceAll(/[-_.]{2,}/g, '-')
    .replaceAll(/^[-_.]+|[-_.]+$/g, '');
  if (value === '' || value.length > 63) {
    throw new Error(`${JSON.stringify(text)} cannot be told apart in a pod's label; use a name of 1 to 63 characters`);
  }
  return value;
}
