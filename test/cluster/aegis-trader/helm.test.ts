import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output } from '../../support/processes.ts';
import { fileText, renderedFiles } from '../../support/rendered.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';
import { tool } from '../../support/tools.ts';

const files = renderedFiles('aegis-trader');
const sample = fileURLToPath(new URL('../../fixtures/charts/aegis-trader', import.meta.url));

interface Workload {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { image: string; resources: object }[] } };
  };
}

describe('the deploy script with the real Helm and a chart like that of AegisTrader', () => {
  let shell: ShellFolder;
  let chart: string;

  beforeAll(async () => {
    shell = shellFolder();
    chart = mkdtempSync(path.join(tmpdir(), 'chart-'));
    cpSync(sample, chart, { recursive: true });
    writeFileSync(path.join(chart, 'generate-helm-values.sh'), fileText(files, 'repo/helm/generate-helm-values.sh'));
    await output('bash', ['generate-helm-values.sh', 'staging'], { cwd: chart });
    // There is no cluster here: what would be sent to it is rendered with the very same arguments.
    shell.standIn(
      'helm',
      `case $1 in
template) exec ${tool('helm')} "$@" ;;
history) echo '[]' ;;
upgrade) shift 2; echo "$*" > ${chart}/arguments; exec ${tool('helm')} template "$@" > ${chart}/deployed.yaml ;;
esac`,
    );
    shell.standIn('kubectl', 'exit 0');
  });
  afterAll(() => {
    shell.remove();
    rmSync(chart, { recursive: true });
  });

  const deploy = (tag: string, images = 'monitor-api monitor-ui') =>
    shell.sh(
      `cd ${chart}\n${fileText(files, 'repo/.github/scripts/deploy.sh')}`,
      [],
      {
        RELEASE: 'aegis-staging',
        NAMESPACE: 'aegis-staging',
        VALUES_FILE: 'values.staging.yaml',
        IMAGE_TAG: tag,
        IMAGES: images
          .split(' ')
          .map((name) => `${name}=ghcr.io/ryanflavor/aegis-trader/${name}`)
          .join('\n'),
        GITHUB_OUTPUT: path.join(shell.path, 'output'),
      },
      'bash',
    );

  it.each(['abcdef1', '0123456', '1234567', '12345e7', '1e10000', '0000000'])(
    'deploys the tag %s exactly as it was pushed',
    async (tag) => {
      const { code, stderr } = await deploy(tag);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const workloads = loadAll(readFileSync(path.join(chart, 'deployed.yaml'), 'utf8')) as Workload[];
      expect(workloads.map(({ spec }) => spec.template.spec.containers[0]?.image)).toEqual([
        `ghcr.io/ryanflavor/aegis-trader/monitor-api:${tag}`,
        `ghcr.io/ryanflavor/aegis-trader/monitor-ui:${tag}`,
      ]);
    },
  );

  it('gives staging fewer resources than the chart would', async () => {
    await deploy('abcdef1');
    const workloads = loadAll(readFileSync(path.join(chart, 'deployed.yaml'), 'utf8')) as Workload[];
    expect(workloads[0]?.spec.template.spec.containers[0]?.resources).toMatchObject({
      requests: { cpu: '100m', memory: '256Mi' },
    });
  });

  it('refuses a chart whose templates do not read the tag', async () => {
    const { code, stderr } = await deploy('abcdef1', 'monitor-api trading-engine');
    expect(code).toBe(1);
    expect(stderr).toContain('the chart does not use trading-engine.image.tag');
  });
});
