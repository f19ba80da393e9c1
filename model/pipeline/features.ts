import type { TagTemplate } from '../tag-policy.ts';
import type { Pipeline } from './pipeline.ts';
import { isStepOutput, type Step } from './step.ts';

/** What not every CI engine can express. */
export type Feature =
  | 'pull request trigger'
  | 'tag trigger'
  | 'manual trigger'
  | 'schedule trigger'
  | 'excluded branches'
  | 'queueing of runs'
  | 'cancelling of runs'
  | 'step that runs after a failure'
  | 'step that may fail'
  | 'time limit of a step'
  | 'service account of a step'
  | 'resources of a step'
  | 'mounted file'
  | 'service container'
  | 'step output'
  | 'artifact'
  | 'build without push'
  | 'branch in an image tag'
  | 'version in an image tag';

/** A use of a feature, and where. */
export interface FeatureUse {
  readonly feature: Feature;
  /** The step, or undefined for the pipeline itself. */
  readonly step: string | undefined;
}

/** A pipeline asks for something that its engine has no way to do. It is refused, never dropped. */
export class UnsupportedFeatureError extends Error {
  readonly engine: string;
  readonly uses: readonly FeatureUse[];

  constructor(engine: string, pipeline: string, uses: readonly FeatureUse[]) {
    const list = uses.map(({ feature, step }) => (step === undefined ? feature : `${feature} (step "${step}")`));
    super(`${engine} cannot express in pipeline "${pipeline}": ${list.join(', ')}`);
    this.name = 'UnsupportedFeatureError';
    this.engine = engine;
    this.uses = uses;
  }
}

/**
 * Refuses a pipeline that uses anything but the listed features.
 * @throws UnsupportedFeatureError naming engine, features and steps, all at once
 */
export function requireSupport(engine: string, supported: readonly Feature[], pipeline: Pipeline): void {
  const refused = featuresOf(pipeline).filter(({ feature }) => !supported.includes(feature));
  if (refused.length > 0) {
    throw new UnsupportedFeatureError(engine, pipeline.name, refused);
  }
}

/** Everything that a pipeline asks for beyond plain steps on pushes. */
export function featuresOf(pipeline: Pipeline): readonly FeatureUse[] {
  const ofPipeline: (Feature | false | undefined)[] = [
    pipeline.triggers.some(({ on }) => on === 'pull-request') && 'pull request trigger',
    pipeline.triggers.some(({ on }) => on === 'tag') && 'tag trigger',
    pipeline.triggers.some(({ on }) => on === 'manual') && 'manual trigger',
    pipeline.triggers.some(({ on }) => on === 'schedule') && 'schedule trigger',
    pipeline.triggers.some((trigger) => trigger.on === 'push' && (trigger.exceptBranches ?? []).length > 0) &&
      'excluded branches',
    pipeline.whenRunning === 'queue' && 'queueing of runs',
    pipeline.whenRunning === 'cancel' && 'cancelling of runs',
  ];
  return [
    ...ofPipeline.filter(isFeature).map((feature) => ({ feature, step: undefined })),
    ...pipeline.steps.flatMap((step) =>
      featuresOfStep(step)
        .filter(isFeature)
        .map((feature) => ({ feature, step: step.name })),
    ),
  ];
}

function featuresOfStep(step: Step): readonly (Feature | false | undefined)[] {
  const common: (Feature | false | undefined)[] = [
    step.runsOn !== 'success' && 'step that runs after a failure',
    step.mayFail && 'step that may fail',
    step.timeoutMinutes !== undefined && 'time limit of a step',
    step.serviceAccount !== undefined && 'service account of a step',
    step.resources !== undefined && 'resources of a step',
    step.mounts.length > 0 && 'mounted file',
  ];
  switch (step.kind) {
    case 'commands':
      return [
        ...common,
        step.services.length > 0 && 'service container',
        Object.values(step.environment).some(isStepOutput) && 'step output',
        step.artifacts.length > 0 && 'artifact',
      ];
    case 'image-build':
      return [
        ...common,
        !step.push && 'build without push',
        usesPart(step.tags, ['branch']) && 'branch in an image tag',
        usesPart(step.tags, ['version', 'minorVersion']) && 'version in an image tag',
      ];
  }
}

function usesPart(tags: readonly TagTemplate[], names: readonly string[]): boolean {
  return tags.flat().some((part) => 'part' in part && names.includes(part.part));
}

function isFeature(value: Feature | false | undefined): value is Feature {
  return typeof value === 'string';
}
