/**
 * How the result of an integration test becomes the evidence that a commit may be promoted. The pipeline writes this
 * next to the program that reads it (runtime/evidence).
 */
export interface EvidenceConfiguration {
  /** Context of the commit status that promotions look at. */
  readonly context: string;
  /** Context of the status that says: checks passed, and every image is pushed. @default - no such status */
  readonly builtContext?: string;
  readonly results: ResultsFormat;
  readonly forge: {
    readonly kind: 'gitea' | 'github';
    /** Base of the API, such as `https://git.example/api/v1`; no slash at the end. */
    readonly api: string;
  };
  /**
   * Base of a generic package in the forge that keeps every results file, such as
   * `https://git.example/api/packages/OWNER/generic/NAME`; undefined if the engine keeps it as an artifact.
   */
  readonly package?: string;
  /**
   * Images that must be there with the commit as their tag; a build whose pod was evicted counts as a success in some
   * engines. Each is the address of its tags' manifests, without the tag.
   */
  readonly manifests: readonly string[];
  /** Seconds until a request counts as failed. */
  readonly timeoutSeconds: number;
  /** How often a request is tried that got no answer, or one of the server's own faults. */
  readonly attempts: number;
}

/** Where things stand in the results file. Paths are keys with dots between them (`summary.total`). */
export interface ResultsFormat {
  /** The file, relative to the root of the repository. */
  readonly file: string;
  /** File in which the step that runs the test leaves commit, run number and exit code. */
  readonly outcomeFile: string;
  readonly total: string;
  readonly passed: string;
  readonly failed: string;
  /** Path of the tested commit; undefined if the file does not hold it. */
  readonly commit?: string;
}
