import type { SystemOutput } from '../core/index.ts';
import definitions from './source/definitions.py';
import mainProgram from './source/main.py';

export interface SourceScaffoldProps {
  readonly name: string;
  /** Version of Python, for example `3.12`. */
  readonly python: string;
  readonly kind:
    | { readonly kind: 'web' }
    /** `version`: of Dagster, the platform's own. */
    | { readonly kind: 'code-location'; readonly module: string; readonly version: string };
}

/** Writes the files that an application's own repository starts from; the buildpack builds them as they are. */
export function writeSourceScaffold(output: SystemOutput, folder: string, props: SourceScaffoldProps): void {
  const { kind, name, python } = props;
  output.file(`${folder}/.python-version`, `${python}\n`);
  output.file(`${folder}/.gitignore`, '.venv/\n__pycache__/\n');
  if (kind.kind === 'web') {
    output.file(`${folder}/main.py`, mainProgram);
    output.file(`${folder}/Procfile`, 'web: python main.py\n');
    output.file(`${folder}/pyproject.toml`, project(name, python, []));
    output.file(`${folder}/uv.lock`, emptyLock(name, python));
    output.file(`${folder}/README.md`, readme(name, 'Run `uv run main.py`, then open http://localhost:8080.'));
    return;
  }
  const { module, version } = kind;
  output.file(`${folder}/${module.replaceAll('.', '/')}.py`, definitions);
  output.file(
    `${folder}/Procfile`,
    `code: dagster code-server start --host=0.0.0.0 --port=4000 --module-name=${module}\n`,
  );
  output.file(
    `${folder}/pyproject.toml`,
    project(name, python, [`dagster==${version}`, 'dagster-k8s', 'dagster-postgres']),
  );
  output.file(
    `${folder}/README.md`,
    readme(
      name,
      'Run `uv lock` once and commit `uv.lock`: builds install what it says. Run `uv run dagster dev` to try it.',
    ),
  );
}

function project(name: string, python: string, dependencies: readonly string[]): string {
  const list = dependencies.map((dependency) => `  "${dependency}",\n`).join('');
  return `[project]
name = "${name}"
version = "0.1.0"
requires-python = ">=${python}"
dependencies = [${list === '' ? '' : `\n${list}`}]
`;
}

/** The lock of a project without dependencies, as uv writes it. */
function emptyLock(name: string, python: string): string {
  return `version = 1
requires-python = ">=${python}"

[[package]]
name = "${name}"
version = "0.1.0"
source = { virtual = "." }
`;
}

function readme(name: string, text: string): string {
  return `# ${name}

${text}

A push to \`main\` is built and deployed to the sandbox. A tag \`v1.2.3\` on a commit that has been there opens the pull request
that brings it to production.
`;
}
