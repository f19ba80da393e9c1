import type { Settings } from './settings.ts';

/** The one name of the values file: what the script writes is what Helm is given. */
export const valuesFile = 'values.staging.yaml';

/** Command in the chart's folder that writes it. */
export const valuesCommand = 'bash generate-helm-values.sh staging';

/**
 * `generate-helm-values.sh` of the chart: values of an environment, from its facts and from variables of `.deploy.env`. Image
 * tags are not among them: promotion alone sets those.
 */
export function generateValuesScript(settings: Settings): string {
  const { staging, services } = settings;
  const { release, nats, resources } = staging;
  const variable = (name: string, fallback: string | number) => `\${${name}:-${fallback}}`;
  const natsUrl = `nats://${variable('HELM_RELEASE_NAME', release)}-nats:${variable('NATS_PORT', 4222)}`;
  const portOf = (name: string) => services.find((service) => service.name === name)?.port;
  const quantities = (name: string, indent: string) => {
    const { cpu, memory } = resources[name] as { cpu: string; memory: string };
    return [
      `${indent}resources:`,
      `${indent}  requests: { cpu: "${cpu}", memory: "${memory}" }`,
      `${indent}  limits: { cpu: "${cpu}", memory: "${memory}" }`,
    ];
  };
  return [
    '#!/usr/bin/env bash',
    `# Writes the Helm values of an environment: generate-helm-values.sh staging -> ${valuesFile}`,
    '# Variables of ../.deploy.env win over the values here. Image tags are set by the pipeline.',
    'set -euo pipefail',
    '',
    'if [ "${1:-}" != staging ]; then',
    '  echo "usage: generate-helm-values.sh staging" >&2',
    '  exit 2',
    'fi',
    'if [ -f ../.deploy.env ]; then',
    '  # shellcheck source=/dev/null',
    '  . ../.deploy.env',
    'fi',
    '',
    `cat > ${valuesFile} << END`,
    'global:',
    '  environment: staging',
    'nats:',
    '  config:',
    `    cluster: { enabled: ${nats.replicas > 1}, replicas: ${variable('NATS_REPLICAS', nats.replicas)} }`,
    '    jetstream:',
    '      enabled: true',
    `      fileStore: { enabled: true, pvc: { enabled: true, size: "${variable('NATS_STORAGE', nats.storage)}" } }`,
    '  natsBox: { enabled: true }',
    '  container:',
    '    merge:',
    ...quantities('nats', '      '),
    ...services.flatMap(({ name }) => [
      `${name}:`,
      '  replicaCount: 1',
      `  service: { type: ClusterIP, port: ${variable(portVariable(name), portOf(name) ?? 0)} }`,
      '  env:',
      ...(name.endsWith('-ui')
        ? [
            `    NEXT_PUBLIC_API_URL: "http://${variable('HELM_RELEASE_NAME', release)}-monitor-api:${variable('API_PORT', portOf('monitor-api') ?? 0)}"`,
            `    PORT: "${variable('UI_PORT', portOf(name) ?? 0)}"`,
          ]
        : [`    NATS_URL: "${natsUrl}"`, `    API_PORT: "${variable('API_PORT', portOf(name) ?? 0)}"`]),
      ...quantities(name, '  '),
    ]),
    'END',
    `echo ${valuesFile}`,
    '',
  ].join('\n');
}

function portVariable(service: string): string {
  return service.endsWith('-ui') ? 'UI_PORT' : 'API_PORT';
}
