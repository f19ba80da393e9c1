import type { KargoFreight } from '../desk/kargo/types.ts';
import { tagOf } from '../desk/server/state.ts';
import { CliError, exitCode } from './io.ts';
import { shortTag } from './text.ts';

/** A build as the user names it. */
export interface BuildChoice {
  /** Name or alias of the Freight. */
  readonly freight?: string;
  /** Image tag, or its first characters (at least 7). */
  readonly tag?: string;
}

export interface ChosenBuild {
  readonly freight: string;
  readonly alias?: string;
  readonly tag: string;
}

/** @throws CliError if there is no such build, or more than one */
export function chooseBuild(all: readonly KargoFreight[], choice: BuildChoice, image: string | undefined): ChosenBuild {
  if ((choice.freight === undefined) === (choice.tag === undefined))
    throw new CliError('name the build with --freight or with --tag', exitCode.usage);
  const builds = all.map(
    (one): ChosenBuild => ({
      freight: one.metadata?.name ?? '',
      alias: one.alias,
      tag: tagOf(one.images ?? [], image),
    }),
  );
  const wanted = choice.freight ?? choice.tag!;
  const found =
    choice.freight !== undefined
      ? builds.filter((build) => build.freight === wanted || build.alias === wanted)
      : byTag(builds, wanted);
  if (found.length === 1) return found[0]!;
  const what = choice.freight !== undefined ? `Freight ${wanted}` : `Freight with the tag ${wanted}`;
  if (found.length === 0)
    throw new CliError(
      `Kargo has no ${what}. The newest: ${
        builds
          .slice(-5)
          .map((build) => `${build.alias ?? build.freight} (${shortTag(build.tag)})`)
          .join(', ') || 'none'
      }`,
    );
  throw new CliError(
    `there is more than one ${what}: ${found.map((build) => build.alias ?? build.freight).join(', ')}. Name one with --freight`,
  );
}

function byTag(builds: readonly ChosenBuild[], wanted: string): ChosenBuild[] {
  const exact = builds.filter((build) => build.tag === wanted);
  return exact.length > 0 || wanted.length < 7 ? exact : builds.filter((build) => build.tag.startsWith(wanted));
}
