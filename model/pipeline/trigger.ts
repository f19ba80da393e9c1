/** An event that starts a pipeline, or lets a step take part in it. Branches and tags are glob patterns (`v*`, `**`). */
export type Trigger =
  | {
      readonly on: 'push';
      /** Branches whose pushes count; at least one. */
      readonly branches: readonly string[];
      /**
       * Branches that never count; for branches a machine writes to, so that they cannot trigger CI.
       * @default none
       */
      readonly exceptBranches?: readonly string[];
    }
  | {
      readonly on: 'pull-request';
      /**
       * Target branches of the pull requests.
       * @default every branch
       */
      readonly targets?: readonly string[];
    }
  | { readonly on: 'tag'; readonly tags: readonly string[] }
  | {
      readonly on: 'manual';
      /**
       * Branches that a person may start it for.
       * @default every branch
       */
      readonly branches?: readonly string[];
    }
  | { readonly on: 'schedule'; readonly cron: string };

/**
 * True if everything that `inner` lets through, one of `outer` lets through too. Patterns count as equal only if they
 * are the same text, or if the outer one is `**`.
 */
export function isCovered(inner: Trigger, outer: readonly Trigger[]): boolean {
  return outer.some((candidate) => covers(candidate, inner));
}

function covers(outer: Trigger, inner: Trigger): boolean {
  switch (outer.on) {
    case 'push':
      return (
        inner.on === 'push' &&
        includesAll(outer.branches, inner.branches) &&
        (outer.exceptBranches ?? []).every(
          (branch) => inner.exceptBranches?.includes(branch) || !includesAll(inner.branches, [branch]),
        )
      );
    case 'pull-request':
      return inner.on === 'pull-request' && includesAll(outer.targets ?? ['**'], inner.targets ?? ['**']);
    case 'tag':
      return inner.on === 'tag' && includesAll(outer.tags, inner.tags);
    case 'manual':
      return inner.on === 'manual' && includesAll(outer.branches ?? ['**'], inner.branches ?? ['**']);
    case 'schedule':
      return inner.on === 'schedule' && outer.cron === inner.cron;
  }
}

function includesAll(outer: readonly string[], inner: readonly string[]): boolean {
  return inner.every((pattern) => outer.includes(pattern) || outer.includes('**'));
}

/** A trigger in words, for messages: `push to main`. */
export function triggerInWords(trigger: Trigger): string {
  switch (trigger.on) {
    case 'push':
      return `push to ${trigger.branches.join(', ')}`;
    case 'pull-request':
      return `pull request${trigger.targets === undefined ? '' : ` to ${trigger.targets.join(', ')}`}`;
    case 'tag':
      return `tag ${trigger.tags.join(', ')}`;
    case 'manual':
      return `start by hand${trigger.branches === undefined ? '' : ` on ${trigger.branches.join(', ')}`}`;
    case 'schedule':
      return `schedule ${trigger.cron}`;
  }
}
