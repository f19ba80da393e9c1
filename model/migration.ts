/**
 * What changes in a checkout of an application's repository so that it is delivered by the rendered pipeline. Rendered
 * as `migration.json`; `npm run app` reads it.
 */
export interface Migration {
  /** Files to bring in, relative to the root of the repository; their content is in the folder `repo/` next to this. */
  readonly bring: readonly { readonly path: string; readonly executable: boolean }[];
  /** Folders that go, because they belong to the engine that is replaced. */
  readonly remove: readonly string[];
  /** Paths that must not be there, each with the reason: another pipeline file would win over ours. */
  readonly refuse: readonly { readonly path: string; readonly reason: string }[];
  /** Files, and folders with a slash at the end, that the pipeline takes for granted. */
  readonly expects: readonly string[];
  readonly chart: ChartMigration;
}

export interface ChartMigration {
  /** Folder of the chart, relative to the root of the repository. */
  readonly folder: string;
  /** Key that must exist in values.yaml; without it the chart is not the one we know. */
  readonly knownBy: string;
  /** Values to set, by file; a file that does not exist is made. Paths are keys with dots between them. */
  readonly set: readonly { readonly file: string; readonly path: string; readonly value: string }[];
  /** Sections to drop from every values file and from the templates that they switch. */
  readonly dropSections: readonly string[];
  /** Image pull secrets to drop from values and templates. */
  readonly dropPullSecrets: readonly string[];
  /** Words that must not be left in the chart. */
  readonly leaveNo: readonly string[];
}
