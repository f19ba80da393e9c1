import { ApiObject, App, Chart } from 'cdk8s';
import type { KubernetesObject } from './system-output.ts';
import { yamlDocuments } from './yaml.ts';

/** Objects that belong to another repository: they are written there as files and are no objects of the system itself. */
export function manifestsOf(make: (chart: Chart) => void): readonly KubernetesObject[] {
  const chart = new Chart(new App(), 'chart', { disableResourceNameHashes: true });
  make(chart);
  return chart.node
    .findAll()
    .filter((node) => ApiObject.isApiObject(node))
    .map((node) => (node as ApiObject).toJson() as KubernetesObject);
}

/** @see manifestsOf */
export function manifestText(make: (chart: Chart) => void): string {
  return yamlDocuments(manifestsOf(make));
}
