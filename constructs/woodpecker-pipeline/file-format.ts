/**
 * The part of Woodpecker's pipeline file that we write.
 * @see https://woodpecker-ci.org/docs/usage/workflow-syntax
 */
export interface WoodpeckerFile {
  readonly when: readonly WoodpeckerCondition[];
  readonly concurrency?: { readonly limit: number; readonly group: string };
  readonly clone: readonly WoodpeckerStep[];
  readonly services?: readonly WoodpeckerService[];
  readonly steps: readonly WoodpeckerStep[];
}

/** All of its fields must match; of a list of conditions, one. */
export interface WoodpeckerCondition {
  readonly event: string;
  readonly branch?:
    | string
    | readonly string[]
    | { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly ref?: string | readonly string[];
  readonly status?: readonly ('success' | 'failure')[];
}

/** A plain value, or one that the server takes from its own store. */
export type WoodpeckerValue = string | number | boolean | readonly string[] | { readonly from_secret: string };

/** A step with `commands`, or a plugin with `settings`. */
export interface WoodpeckerStep {
  readonly name: string;
  readonly image: string;
  /** Absent in the clone section only: as soon as one step has it, every step without it starts at once. */
  readonly depends_on?: readonly string[];
  readonly when?: readonly WoodpeckerCondition[];
  readonly failure?: 'ignore';
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, WoodpeckerValue>>;
  readonly settings?: Readonly<Record<string, WoodpeckerValue>>;
  readonly commands?: readonly string[];
  readonly backend_options?: { readonly kubernetes: WoodpeckerKubernetesOptions };
}

export interface WoodpeckerKubernetesOptions {
  readonly serviceAccountName?: string;
  readonly resources?: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  };
  /** Secrets of the step's namespace, mounted as files; each at most once in a step. */
  readonly secrets?: readonly {
    readonly name: string;
    readonly key: string;
    readonly target: { readonly file: string };
  }[];
}

export interface WoodpeckerService {
  readonly name: string;
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
}
