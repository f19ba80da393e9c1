import {
  filesOf,
  type InstallPlan,
  installPlanText,
  type TeardownPlan,
  teardownPlanText,
} from '../../model/install-plan/index.ts';
import { SettingsError } from '../../model/problems.ts';
import type { SystemOutput } from '../core/index.ts';

export interface InstallPlanProps {
  /** What runmefirst.sh does. R11.1 */
  readonly install: InstallPlan['phases'];
  /** What runmelast.sh does. R12.1 */
  readonly teardown: TeardownPlan['phases'];
}

/** Where the scripts look for the steps of a system, relative to dist/<system>/. */
export const planFiles = { install: 'install/plan.tsv', teardown: 'teardown/plan.tsv' } as const;

/** The charts that the plan installs, for people and for `npm run mirror`. */
const releasesFile = 'helm/releases.yaml';

/**
 * Writes the plans that runmefirst.sh and runmelast.sh carry out. Call it last: it refuses a plan that names a file which is
 * not rendered, and a rendered file below install/ that no step uses.
 *
 * @throws SettingsError with every such file
 */
export function writeInstallPlan(output: SystemOutput, props: InstallPlanProps): void {
  const install: InstallPlan = { system: output.system, phases: props.install };
  const teardown: TeardownPlan = { system: output.system, phases: props.teardown };
  output.yaml(releasesFile, releasesOf(install));
  output.file(planFiles.install, installPlanText(install));
  output.file(planFiles.teardown, teardownPlanText(teardown));

  const rendered = output.paths();
  const used = [...filesOf(install), ...filesOf(teardown)];
  const covers = (path: string, file: string) => file === path || file.startsWith(`${path}/`);
  const plans: readonly string[] = [...Object.values(planFiles), releasesFile];
  const missing = used.filter((path) => !rendered.some((file) => covers(path, file)));
  const unused = rendered.filter(
    (file) =>
      /^(install|teardown|helm)\//.test(file) && !plans.includes(file) && !used.some((path) => covers(path, file)),
  );
  const problems = [
    ...missing.map((path) => ({
      path,
      problem: 'is named by a step but not rendered',
      remedy: 'render the file or correct the step',
    })),
    ...unused.map((path) => ({
      path,
      problem: 'is rendered but no step uses it',
      remedy: 'add a step for it or move it below gitops/',
    })),
  ];
  if (problems.length > 0) throw new SettingsError(`plan of ${output.system}`, problems);
}

/** Each release once: its whole form comes last and is the one that counts. */
function releasesOf(plan: InstallPlan): readonly object[] {
  const releases = new Map<string, object>();
  for (const step of plan.phases.flatMap(({ steps }) => steps)) {
    if (step.verb !== 'release') continue;
    const { name, namespace, chart, repository, version, values } = step;
    releases.set(`${namespace}/${name}`, {
      name,
      namespace,
      chart,
      ...(repository ? { repository } : {}),
      version,
      values,
    });
  }
  return [...releases.values()];
}
