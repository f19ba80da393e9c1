import type { StageSpecPromotionTemplateSpecSteps } from '../../imports/kargo.akuity.io.ts';

/** A step of a promotion, as the generated class takes it. */
export type PromotionStep = StageSpecPromotionTemplateSpecSteps;

/** How often and how long a step is tried. */
interface Patience {
  /** How long the step may run, for example `10m`. */
  readonly timeout: string;
  /** Errors after which the step gives up. */
  readonly errorThreshold: number;
}

interface StepOptions {
  /** Name by which later steps read its output. */
  readonly as?: string;
  /** Expression in `${{ }}`; the step is skipped where it is false. */
  readonly if?: string;
  readonly retry?: Patience;
}

/** Configuration of the steps in use, as their schemas in Kargo 1.11 have it. The generated class leaves it untyped. */
interface StepConfig {
  readonly 'git-clone': {
    readonly repoURL: string;
    readonly checkout: ReadonlyArray<{ readonly branch: string; readonly path: string; readonly create?: boolean }>;
  };
  readonly 'yaml-update': {
    readonly path: string;
    readonly updates: ReadonlyArray<{ readonly key: string; readonly value: string }>;
  };
  readonly 'git-commit': { readonly path: string; readonly message: string };
  readonly 'git-push': { readonly path: string; readonly targetBranch: string };
  readonly 'argocd-update': {
    readonly apps: ReadonlyArray<{
      readonly name: string;
      readonly namespace: string;
      readonly sources: ReadonlyArray<{ readonly repoURL: string; readonly desiredRevision: string }>;
    }>;
  };
  readonly http: {
    readonly method: 'GET';
    readonly url: string;
    readonly headers: ReadonlyArray<{ readonly name: string; readonly value: string }>;
    readonly timeout: string;
    readonly pollInterval: string;
    readonly successExpression: string;
    readonly failureExpression: string;
    readonly errorExpression: string;
  };
  readonly fail: { readonly message: string };
  readonly 'set-metadata': {
    readonly updates: ReadonlyArray<{
      readonly kind: 'Stage' | 'Freight';
      readonly name: string;
      readonly values: Readonly<Record<string, unknown>>;
    }>;
  };
}

/** One step with its configuration checked against the step's kind. */
export function step<Kind extends keyof StepConfig>(
  uses: Kind,
  config: StepConfig[Kind],
  options: StepOptions = {},
): PromotionStep {
  return { uses, config, ...options };
}

/** An expression of Kargo that stands for a whole text or a part of it. */
export function expression(code: string): string {
  return `\${{ ${code} }}`;
}

/**
 * An expression whose value stays a string. Without `quote`, Kargo reads a tag or a commit of digits (or of digits and one
 * "e") as a number, and writes another one.
 */
export function textExpression(code: string): string {
  return expression(`quote(${code})`);
}

const tag = 'imageFrom(vars.image).Tag';

/** The tag of the promoted image as a whole text. */
export const promotedTag = textExpression(tag);

/** The tag inside of a longer text, which is a string anyway. */
export const promotedTagInText = expression(tag);
