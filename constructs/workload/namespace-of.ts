import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';

/**
 * The namespace that the surrounding chart gives its objects.
 *
 * @throws if the chart has none: the construct needs one for names that contain it
 */
export function namespaceOf(construct: Construct): string {
  const { namespace } = Chart.of(construct);
  if (!namespace) throw new Error(`${construct.node.path}: its chart has no namespace; give output.chart(...) one`);
  return namespace;
}
