import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../model/problems.ts';
import { stonksOracleArc } from '../../../systems/stonks-oracle-arc/system.ts';
import { planSteps } from '../../support/plan.ts';
import { context, fileText, renderedFiles } from '../../support/rendered.ts';

/** The problems of settings with one other value. */
function problemsWith(path: string, value: unknown) {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  try {
    stonksOracleArc.render(context, (draft) => {
      const parent = keys.reduce((object, key) => (object as Record<string, object>)[key] ?? {}, draft as object);
      (parent as Record<string, unknown>)[last] = value;
      return draft;
    });
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('a value that cannot work is refused with its path and a remedy', () => {
  test.each([
    ['github.owner', 'celesrenata/stonks-oracle', 'is no name on GitHub', 'apart'],
    ['registry.path', 'CelesRenata/stonks-oracle', 'is no path in a registry', 'lower case'],
    ['runners.maximum', 0, 'no job ever starts', 'at least 1'],
    ['runners.minimum', 9, 'there may be 4 only', 'lower the minimum'],
    ['releases.arc', '0.14.1', 'the controller is 0.14.2, its chart 0.14.1', 'the same version'],
    ['storage.volumes.arc.directory', 'kargo/arc', 'lies inside', 'a directory of its own'],
    ['namespaces.arc', 'kargo', 'is already namespaces.arc', 'a namespace of its own'],
    ['hosts.argoCd', 'stonks-kargo.celestium.life', 'the same host', 'a host of its own'],
    ['stages.live.namespace', 'stonks-pipeline', 'is already stages.live.namespace', 'a namespace of its own'],
  ])('%s: %j', (path, value, problem, remedy) => {
    const text = problemsWith(path, value)
      .map((found) => `${found.path}: ${found.problem}; ${found.remedy}`)
      .join('\n');
    expect(text).toContain(problem);
    expect(text).toContain(remedy);
  });
});

describe('Secrets', () => {
  const steps = planSteps(fileText(renderedFiles('stonks-oracle-arc'), 'install/plan.tsv'));

  test('a person gives only what is secret; addresses and types are filled in', () => {
    const asked = steps.filter(({ verb }) => verb === 'require-secret').map(({ fields }) => fields);
    expect(asked.map(({ namespace, name, keys }) => `${namespace}/${name} ${keys}`)).toEqual(
      expect.arrayContaining([
        'kargo-shared-resources/pipelines-git username,password',
        'kargo-shared-resources/registry username,password',
        'argocd/repository-stonks-oracle username,password',
        'arc-system/github-runners github_app_id,github_app_installation_id,github_app_private_key',
        'stonks-beta/ghcr-credentials .dockerconfigjson',
      ]),
    );
    const registry = steps.find(({ verb, fields }) => verb === 'secret' && fields['name'] === 'registry');
    expect(registry?.fields['keys']).toBe(
      'repoURL:literal:ghcr.io/celesrenata/stonks-oracle/query-api,username:provided,password:provided',
    );
  });

  test('the credentials for Git are there before the repository is pushed', () => {
    const made = steps.findIndex(({ verb, fields }) => verb === 'secret' && fields['name'] === 'pipelines-git');
    const pushed = steps.findIndex(({ verb }) => verb === 'push');
    expect(made).toBeGreaterThan(0);
    expect(pushed).toBeGreaterThan(made);
  });
});
