import { yamlDocument } from '../core/yaml.ts';

/** Text of `.github/actionlint.yaml`: the labels of runners that are not GitHub's own. */
export function lintConfiguration(labels: readonly string[]): string {
  return yamlDocument({ 'self-hosted-runner': { labels } });
}
