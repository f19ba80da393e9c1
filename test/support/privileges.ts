import type { KubernetesObject } from '../../constructs/core/index.ts';
import { podSpecsOf, walk } from './references.ts';

/** The rule's name in exceptions.tsv. */
export const privilegeRule = 'run-as-non-root';

/** Containers of an object that may gain privileges, keep capabilities or run as root; empty for a modest object. */
export function boldContainers(object: KubernetesObject): readonly string[] {
  const bold: string[] = [];
  for (const pod of podSpecsOf(object)) {
    const podContext = (pod['securityContext'] ?? {}) as Record<string, unknown>;
    walk(pod, (container, key) => {
      if (key !== 'containers' && key !== 'initContainers') return;
      const context = (container['securityContext'] ?? {}) as Record<string, unknown>;
      const dropsAll = ((context['capabilities'] as { drop?: string[] } | undefined)?.drop ?? []).includes('ALL');
      const nonRoot = context['runAsNonRoot'] ?? podContext['runAsNonRoot'];
      if (context['allowPrivilegeEscalation'] !== false || !dropsAll || nonRoot !== true)
        bold.push(String(container['name']));
    });
  }
  return bold;
}
