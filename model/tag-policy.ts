/**
 * Which tags an image gets, which of them is deployed and which of them a registry watcher may pick up: decided in one
 * place, for every event, so that building, deploying and watching cannot disagree.
 *
 * A tag is written down as a template of symbolic parts. `tagsFor` evaluates the templates for a concrete event; a CI
 * engine spells the same templates in its own dialect with `spellTag`; `allowPattern` turns the deployed one into a
 * pattern. Tags are strings everywhere: `0123456` and `12345e7` are valid tags and must never be read as numbers.
 */

/** What happened in the repository. */
export type TagEvent =
  | { readonly kind: 'push'; readonly sha: string; readonly branch: string }
  | { readonly kind: 'pull-request'; readonly sha: string; readonly number: number }
  | { readonly kind: 'tag'; readonly sha: string; readonly tag: string };

/**
 * One symbolic part of a tag.
 * - `sha`: the first `length` characters of the commit (7 to 40)
 * - `branch`: the branch, made fit for a tag by `branchSlug`
 * - `pullRequest`: the number of the pull request
 * - `version`: the Git tag without its leading `v`
 * - `minorVersion`: the first two numbers of the version; a tag with it is left out for pre-releases
 */
export type TagPart =
  | { readonly literal: string }
  | { readonly sha: number }
  | { readonly part: 'branch' | 'pullRequest' | 'version' | 'minorVersion' };

/** A tag as symbolic parts, put together without anything between them. */
export type TagTemplate = readonly TagPart[];

/** The tags of one kind of event. */
export interface TagRule {
  /** The event that the rule is for. */
  readonly on: 'release-branch' | 'other-branch' | 'pull-request' | 'tag';
  /** All tags that the image gets. */
  readonly tags: readonly TagTemplate[];
  /**
   * The tag that is deployed; one of `tags`.
   * @default nothing is deployed on this event
   */
  readonly deploy?: TagTemplate;
}

/** The policies in use. */
export type TagPolicyName = 'commit-sha' | 'short-sha' | 'branch-sha' | 'revision';

/** A named set of rules. Make one with `tagPolicy`. */
export interface TagPolicy {
  readonly name: TagPolicyName;
  /** The branch whose pushes are released. */
  readonly releaseBranch: string;
  /** At most one rule for each kind of event; events without a rule get no tags. */
  readonly rules: readonly TagRule[];
}

/** The outcome for one event. */
export interface TagSet {
  /** All tags of the image, in the order of the policy; empty if the event builds nothing that is kept. */
  readonly tags: readonly string[];
  /** The tag to deploy, one of `tags`; undefined if the event deploys nothing. */
  readonly deployTag: string | undefined;
}

const literal = (text: string): TagPart => ({ literal: text });
const sha = (length: number): TagPart => ({ sha: length });
const branch: TagPart = { part: 'branch' };
const pullRequest: TagPart = { part: 'pullRequest' };
const version: TagPart = { part: 'version' };
const minorVersion: TagPart = { part: 'minorVersion' };

/** Characters of a shortened commit. */
const short = 7;

/** Characters of a whole commit. */
const whole = 40;

/**
 * Makes a policy.
 * - `commit-sha` (requirements 000 R4.4, 001): the whole commit and `latest`, from the release branch only
 * - `short-sha` (002): 7 characters and `latest`; `pr-N-SHA7` for pull requests; `X.Y.Z` and `X.Y` for Git tags `vX.Y.Z`
 * - `branch-sha` (004): `BRANCH-SHA7`, and `latest` on the release branch; `pr-N` for pull requests
 * - `revision` (003): the commit; a Git tag gives its version without `v`, and the commit
 * @param releaseBranch the branch whose pushes are released
 */
export function tagPolicy(name: TagPolicyName, releaseBranch = 'main'): TagPolicy {
  const latest = [literal('latest')];
  switch (name) {
    case 'commit-sha':
      return {
        name,
        releaseBranch,
        rules: [{ on: 'release-branch', tags: [[sha(whole)], latest], deploy: [sha(whole)] }],
      };
    case 'short-sha':
      return {
        name,
        releaseBranch,
        rules: [
          { on: 'release-branch', tags: [[sha(short)], latest], deploy: [sha(short)] },
          { on: 'pull-request', tags: [[literal('pr-'), pullRequest, literal('-'), sha(short)]] },
          { on: 'tag', tags: [[version], [minorVersion]], deploy: [version] },
        ],
      };
    case 'branch-sha': {
      const built = [branch, literal('-'), sha(short)];
      return {
        name,
        releaseBranch,
        rules: [
          { on: 'release-branch', tags: [built, latest], deploy: built },
          { on: 'other-branch', tags: [built] },
          { on: 'pull-request', tags: [[literal('pr-'), pullRequest]] },
        ],
      };
    }
    case 'revision':
      return {
        name,
        releaseBranch,
        rules: [
          { on: 'release-branch', tags: [[sha(whole)]], deploy: [sha(whole)] },
          { on: 'other-branch', tags: [[sha(whole)]] },
          { on: 'tag', tags: [[version], [sha(whole)]], deploy: [version] },
        ],
      };
  }
}

/** The rule of a policy for one kind of event. */
export function tagRule(policy: TagPolicy, on: TagRule['on']): TagRule | undefined {
  return policy.rules.find((rule) => rule.on === on);
}

/**
 * The tags of an event and the one to deploy.
 * @throws Error if the commit is not 40 lower-case hexadecimal characters, a pull request has no number, or a Git tag
 * of a policy with versions is no `vX.Y.Z`
 */
export function tagsFor(policy: TagPolicy, event: TagEvent): TagSet {
  if (!/^[0-9a-f]{40}$/.test(event.sha)) {
    throw new Error(`tags: "${event.sha}" is no commit; 40 lower-case hexadecimal characters are needed`);
  }
  const rule = tagRule(policy, kindOf(policy, event));
  const evaluate = (template: TagTemplate) => spellTag(template, (part) => partValue(part, event));
  const tags = [...new Set(rule?.tags.filter((template) => !isMinorOfPrerelease(template, event)).map(evaluate) ?? [])];
  return { tags, deployTag: rule?.deploy === undefined ? undefined : evaluate(rule.deploy) };
}

/** Puts a template together; `spell` says how each part but the literal ones is written. */
export function spellTag(
  template: TagTemplate,
  spell: (part: Exclude<TagPart, { literal: string }>) => string,
): string {
  return template.map((part) => ('literal' in part ? part.literal : spell(part))).join('');
}

/**
 * The pattern of tags that a registry watcher may take as a new version: exactly the tags that pushes to the release
 * branch deploy. Anchored at both ends.
 * @throws Error if the policy deploys nothing from its release branch
 */
export function allowPattern(policy: TagPolicy): string {
  const deploy = tagRule(policy, 'release-branch')?.deploy;
  if (deploy === undefined) {
    throw new Error(
      `tag policy ${policy.name}: it deploys nothing from ${policy.releaseBranch}, so nothing can be watched`,
    );
  }
  return `^${deploy.map((part) => patternOf(part, policy.releaseBranch)).join('')}$`;
}

/**
 * A branch as part of a tag: everything but letters, digits, `_`, `.` and `-` becomes `-`, a leading `.` or `-` is
 * dropped, and it is cut to 100 characters so that the whole tag stays below the limit of 128. A branch of which nothing
 * is left is called `branch`.
 */
export function branchSlug(name: string): string {
  const slug = name
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100);
  return slug === '' ? 'branch' : slug;
}

/** True if the text may be an image tag at all (the grammar of the distribution specification). */
export function isImageTag(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(text);
}

function kindOf(policy: TagPolicy, event: TagEvent): TagRule['on'] {
  if (event.kind !== 'push') {
    return event.kind;
  }
  return event.branch === policy.releaseBranch ? 'release-branch' : 'other-branch';
}

function partValue(part: Exclude<TagPart, { literal: string }>, event: TagEvent): string {
  if ('sha' in part) {
    return event.sha.slice(0, part.sha);
  }
  switch (part.part) {
    case 'branch':
      return branchSlug(event.kind === 'push' ? event.branch : '');
    case 'pullRequest':
      return event.kind === 'pull-request' && Number.isInteger(event.number) && event.number > 0
        ? String(event.number)
        : refuse('a pull request needs its number');
    case 'version':
      return versionOf(event)[0] as string;
    case 'minorVersion':
      return versionOf(event).slice(1, 3).join('.');
  }
}

/** The version without `v`, then its three numbers and its pre-release. */
function versionOf(event: TagEvent): readonly (string | undefined)[] {
  const text = event.kind === 'tag' ? event.tag.replace(/^v/, '') : '';
  const match = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/.exec(text);
  return match ?? refuse(`${event.kind === 'tag' ? `"${event.tag}"` : event.kind} is no release tag such as v1.2.3`);
}

/** `1.2` must not point at `1.2.3-rc1`. */
function isMinorOfPrerelease(template: TagTemplate, event: TagEvent): boolean {
  return template.some((part) => 'part' in part && part.part === 'minorVersion') && versionOf(event)[4] !== undefined;
}

function patternOf(part: TagPart, releaseBranch: string): string {
  if ('literal' in part) {
    return escapePattern(part.literal);
  }
  if ('sha' in part) {
    return `[0-9a-f]{${part.sha}}`;
  }
  switch (part.part) {
    case 'branch':
      return escapePattern(branchSlug(releaseBranch));
    case 'pullRequest':
      return '[1-9][0-9]*';
    case 'version':
      return '[0-9]+\\.[0-9]+\\.[0-9]+';
    case 'minorVersion':
      return '[0-9]+\\.[0-9]+';
  }
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function refuse(problem: string): never {
  throw new Error(`tags: ${problem}`);
}
