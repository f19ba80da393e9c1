import type { Image } from '../../model/image.ts';
import type { Resources } from '../workload/index.ts';

/** Values of a Helm chart as plain data. */
export type HelmValues = { readonly [key: string]: HelmValue };

export type HelmValue = string | number | boolean | HelmValues | readonly HelmValue[];

/** An image in the form charts take: they put a colon between repository and tag, so that a digest goes behind the tag. */
export function chartImage(image: Image): HelmValues {
  return {
    repository: image.repository,
    tag: image.digest === undefined ? image.tag : `${image.tag}@${image.digest}`,
  };
}

/** What a container asks for, in the form charts take. */
export function chartResources(resources: Resources): HelmValues {
  return {
    requests: { cpu: resources.cpu, memory: resources.memory },
    limits: {
      ...(resources.cpuLimit === undefined ? {} : { cpu: resources.cpuLimit }),
      memory: resources.memoryLimit ?? resources.memory,
    },
  };
}

/** One Helm release, pinned; the install script takes it from here. */
export interface HelmRelease {
  /** Name of the release. */
  readonly name: string;
  readonly namespace: string;
  /** A chart in a registry (`oci://...`), or a chart's name together with `repository`. */
  readonly chart: string;
  /** Address of a classic chart repository. @default - none */
  readonly repository?: string;
  readonly version: string;
}

/** Every path of some values, with dots; a list is a leaf. Keys with dots stand in quotes. */
export function valuePaths(values: HelmValues, prefix = ''): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = `${prefix}${key.includes('.') ? JSON.stringify(key) : key}`;
    return isMap(value) && Object.keys(value).length > 0 ? valuePaths(value, `${path}.`) : [path];
  });
}

function isMap(value: HelmValue): value is HelmValues {
  return typeof value === 'object' && !Array.isArray(value);
}
