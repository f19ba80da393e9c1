import type { KubernetesObject } from '../../constructs/core/index.ts';

/** One object that another one names. */
export interface Reference {
  readonly from: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** A key of a Secret or ConfigMap, or a port of a Service. */
  readonly part?: string;
}

type Json = unknown;
type Fields = Readonly<Record<string, Json>>;

export function describeObject(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return `${object.kind}/${namespace ? `${namespace}/` : ''}${name}`;
}

function isFields(value: Json): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function text(value: Json): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Calls back for every map inside a value, with the key it stands under. */
export function walk(value: Json, visit: (fields: Fields, key: string) => void, key = ''): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit, key);
  else if (isFields(value)) {
    visit(value, key);
    for (const [name, child] of Object.entries(value)) walk(child, visit, name);
  }
}

/** What a pod's volumes, environment and account name. */
function podReferences(from: string, namespace: string, spec: Json): Reference[] {
  const found: Reference[] = [];
  const add = (kind: string, name: Json, part?: Json) => {
    if (text(name) !== '')
      found.push({ from, kind, namespace, name: text(name), part: part === undefined ? undefined : text(part) });
  };
  walk(spec, (fields, key) => {
    if (key === 'secretKeyRef' && fields['optional'] !== true) add('Secret', fields['name'], fields['key']);
    if (key === 'configMapKeyRef' && fields['optional'] !== true) add('ConfigMap', fields['name'], fields['key']);
    if (key === 'secretRef' && fields['optional'] !== true) add('Secret', fields['name']);
    if (key === 'configMapRef' && fields['optional'] !== true) add('ConfigMap', fields['name']);
    if (key === 'secret' && fields['secretName'] !== undefined && fields['optional'] !== true)
      add('Secret', fields['secretName']);
    if (key === 'configMap' && fields['optional'] !== true) add('ConfigMap', fields['name']);
    if (key === 'persistentVolumeClaim') add('PersistentVolumeClaim', fields['claimName']);
    if (key === 'imagePullSecrets') add('Secret', fields['name']);
  });
  if (isFields(spec)) add('ServiceAccount', spec['serviceAccountName']);
  return found;
}

/** Every pod template inside an object, whatever kind of workload it is. */
export function podSpecsOf(object: KubernetesObject): readonly Fields[] {
  const found: Fields[] = [];
  if (object.kind === 'Pod' && isFields(object.spec)) found.push(object.spec);
  if (['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicaSet'].includes(object.kind)) {
    walk(object, (fields, key) => {
      if (key === 'spec' && Array.isArray(fields['containers'])) found.push(fields);
    });
  }
  return found;
}

/** What an object names, as far as Kubernetes' own kinds, Ingresses and volumes go. */
export function referencesOf(object: KubernetesObject): readonly Reference[] {
  const from = describeObject(object);
  const namespace = object.metadata.namespace ?? '';
  const spec = (object.spec ?? {}) as Fields;
  switch (object.kind) {
    case 'Ingress': {
      const found: Reference[] = [];
      walk(spec, (fields, key) => {
        if (key !== 'service' || !isFields(fields['port'])) return;
        const port = fields['port'];
        found.push({
          from,
          kind: 'Service',
          namespace,
          name: text(fields['name']),
          part: text(port['number'] ?? port['name']),
        });
      });
      return found;
    }
    case 'PersistentVolumeClaim':
      return spec['volumeName'] ? [{ from, kind: 'PersistentVolume', name: text(spec['volumeName']) }] : [];
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const role = object['roleRef'] as Fields;
      const subjects = (object['subjects'] ?? []) as Fields[];
      return [
        {
          from,
          kind: text(role['kind']),
          namespace: role['kind'] === 'Role' ? namespace : undefined,
          name: text(role['name']),
        },
        ...subjects
          .filter((subject) => subject['kind'] === 'ServiceAccount')
          .map((subject) => ({
            from,
            kind: 'ServiceAccount',
            namespace: text(subject['namespace']) || namespace,
            name: text(subject['name']),
          })),
      ];
    }
    case 'ValidatingAdmissionPolicyBinding':
      return [{ from, kind: 'ValidatingAdmissionPolicy', name: text(spec['policyName']) }];
    default:
      return podSpecsOf(object).flatMap((pod) => podReferences(from, namespace, pod));
  }
}
