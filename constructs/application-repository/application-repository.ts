import type { Migration } from '../../model/migration.ts';
import type { ApplicationChart } from '../application-chart/application-chart.ts';
import type { ApplicationPipeline, RepositoryFile } from '../application-pipeline/application-pipeline.ts';
import type { SystemOutput } from '../core/system-output.ts';
import { yamlDocument } from '../core/yaml.ts';

export interface ApplicationRepositoryProps {
  readonly application: ApplicationPipeline;
  readonly chart: ApplicationChart;
  /** The pipeline in the dialect of the CI engine. */
  readonly pipelineFile: { readonly path: string; readonly content: string };
  /** Files of the engine besides, such as settings of its linter. @default none */
  readonly more?: readonly RepositoryFile[];
  /** Folders of the engine that is replaced. @default none */
  readonly remove?: readonly string[];
  /** Paths that must not be there. @default none */
  readonly refuse?: Migration['refuse'];
}

/**
 * Everything that the application's own repository needs: `repo/` with its files, and `migration.json`, which says how
 * they get into a checkout (`npm run app -- migrate`).
 */
export class ApplicationRepository {
  readonly migration: Migration;

  constructor(output: SystemOutput, props: ApplicationRepositoryProps) {
    const { application, chart, pipelineFile } = props;
    const files = [{ ...pipelineFile, executable: false }, ...application.files, ...(props.more ?? [])];
    this.migration = {
      bring: files.map(({ path, executable }) => ({ path, executable })),
      remove: props.remove ?? [],
      refuse: props.refuse ?? [],
      expects: [
        ...application.expects,
        `${chart.migration.folder}/Chart.yaml`,
        `${chart.migration.folder}/values.yaml`,
      ],
      chart: chart.migration,
    };
    for (const { path, content, executable } of files) {
      output.file(`repo/${path}`, content, { executable });
    }
    for (const [file, values] of chart.values) {
      output.file(`repo/${chart.migration.folder}/${file}`, valuesHeader + yamlDocument(values));
    }
    output.file('migration.json', `${JSON.stringify(this.migration, undefined, 2)}\n`);
  }
}

const valuesHeader = [
  '# Rendered by `npm run synth`. These values are merged into the file of this name in the application chart by',
  '# `npm run app -- migrate --repo PATH`; do not copy this file over it. Promotions alone set image.tag.',
  '',
].join('\n');
