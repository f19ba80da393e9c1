import { spellTag, type TagPart, type TagPolicy, type TagRule, type TagTemplate } from './tag-policy.ts';

/**
 * The policy as a POSIX shell script, for engines whose own expressions cannot cut a commit short or clean a branch.
 * It agrees with `tagsFor` (a test compares both).
 *
 * Input, as environment variables: `TAG_EVENT` (`push`, `pull-request` or `tag`), `COMMIT_SHA`, and by event `BRANCH`,
 * `PULL_REQUEST` or `GIT_TAG`. Output: a line `tag=T` for each tag and a line `deploy=T` if one is deployed. It exits
 * with 1 and says why if an input is missing or is not what the policy needs. Values are only ever used as text.
 */
export function tagPolicyScript(policy: TagPolicy): string {
  return `${[
    'set -eu',
    'export LC_ALL=C',
    'fail() { echo "tags: $1" >&2; exit 1; }',
    'case "${COMMIT_SHA:?}" in *[!0-9a-f]*) fail "$COMMIT_SHA is no commit" ;; esac',
    '[ "${#COMMIT_SHA}" -eq 40 ] || fail "$COMMIT_SHA is no commit"',
    ...(uses(policy, isShortSha) ? ['sha7=$(printf %.7s "$COMMIT_SHA")'] : []),
    ...branches(policy),
  ].join('\n')}\n`;
}

function branches(policy: TagPolicy): readonly string[] {
  const rule = (on: TagRule['on']) => policy.rules.find((candidate) => candidate.on === on);
  const other = rule('other-branch');
  return [
    `case "\${TAG_EVENT:?}" in`,
    'push)',
    ...indent([
      ': "${BRANCH:?}"',
      ...(uses(policy, isBranch)
        ? [
            `branch=$(printf '%s' "$BRANCH" | tr -c 'A-Za-z0-9_.-' '-' | sed 's/^[.-]*//' | cut -c1-100)`,
            'branch=${branch:-branch}',
          ]
        : []),
      `if [ "$BRANCH" = '${policy.releaseBranch.replaceAll("'", `'\\''`)}' ]; then`,
      ...indent(lines(rule('release-branch'))),
      'else',
      ...indent(lines(other)),
      'fi',
      ';;',
    ]),
    'pull-request)',
    ...indent([
      'case "${PULL_REQUEST:?}" in *[!0-9]* | 0*) fail "$PULL_REQUEST is no pull request" ;; esac',
      ...lines(rule('pull-request')),
      ';;',
    ]),
    'tag)',
    ...indent([...tagLines(rule('tag')), ';;']),
    '*) fail "unknown event $TAG_EVENT" ;;',
    'esac',
  ];
}

function tagLines(rule: TagRule | undefined): readonly string[] {
  if (rule === undefined) {
    return [':'];
  }
  const minor = rule.tags.filter(isMinor);
  return [
    'version=${GIT_TAG:?}',
    'version=${version#v}',
    'case "$version" in *[!0-9A-Za-z.-]*) fail "$GIT_TAG is no release tag such as v1.2.3" ;; esac',
    `printf '%s' "$version" | grep -Eqx '[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?' || fail "$GIT_TAG is no release tag such as v1.2.3"`,
    ...(minor.length === 0 ? [] : ['minor=${version%.*}']),
    ...lines({ ...rule, tags: rule.tags.filter((template) => !isMinor(template)) }),
    ...(minor.length === 0
      ? []
      : ['case "$version" in *-*) ;; *)', ...indent(lines({ on: 'tag', tags: minor })), ';; esac']),
  ];
}

function uses(policy: TagPolicy, matches: (part: TagPart) => boolean): boolean {
  return policy.rules.flatMap((rule) => rule.tags.flat()).some(matches);
}

function isShortSha(part: TagPart): boolean {
  return 'sha' in part && part.sha === 7;
}

function isBranch(part: TagPart): boolean {
  return 'part' in part && part.part === 'branch';
}

function isMinor(template: TagTemplate): boolean {
  return template.some((part) => 'part' in part && part.part === 'minorVersion');
}

function lines(rule: TagRule | undefined): readonly string[] {
  if (rule === undefined) {
    return [':'];
  }
  const spell = (template: TagTemplate) => spellTag(template, inShell);
  return [
    ...rule.tags.map((template) => `echo "tag=${spell(template)}"`),
    ...(rule.deploy === undefined ? [] : [`echo "deploy=${spell(rule.deploy)}"`]),
  ];
}

function inShell(part: Exclude<TagPart, { literal: string }>): string {
  if ('sha' in part) {
    return part.sha === 40 ? '$COMMIT_SHA' : part.sha === 7 ? '$sha7' : `$(printf %.${part.sha}s "$COMMIT_SHA")`;
  }
  switch (part.part) {
    case 'branch':
      return '$branch';
    case 'pullRequest':
      return '$PULL_REQUEST';
    case 'version':
      return '$version';
    case 'minorVersion':
      return '$minor';
  }
}

function indent(block: readonly string[]): readonly string[] {
  return block.map((line) => `  ${line}`);
}
