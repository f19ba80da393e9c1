import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { KubernetesObject, Resource } from '../kubernetes/resources.ts';
import { ProgramEnd } from '../program/exit.ts';

const images: Resource = { group: 'kpack.io', version: 'v1alpha2', plural: 'images', kind: 'Image', namespaced: true };
const builds: Resource = { group: 'kpack.io', version: 'v1alpha2', plural: 'builds', kind: 'Build', namespaced: true };

/** On a Build: the controller builds once more. */
const buildNeeded = 'image.kpack.io/additionalBuildNeeded';

/** The part of a kpack Build that is read. */
interface Build extends KubernetesObject {
  readonly spec: {
    readonly tags?: readonly string[];
    readonly source?: { readonly git?: { readonly revision?: string } };
  };
  readonly status?: {
    readonly podName?: string;
    readonly latestImage?: string;
    readonly stepsCompleted?: readonly string[];
    readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string; readonly message?: string }>;
  };
}

export interface WantedBuild {
  readonly namespace: string;
  /** Name of the kpack Image. */
  readonly image: string;
  readonly revision: string;
  /** Whole references that the result gets. */
  readonly tags: readonly string[];
  /** Seconds until the controller has made the Build. */
  readonly appearsWithin: number;
  /** Seconds until the Build has ended. */
  readonly endsWithin: number;
  /** Milliseconds between two looks. @default 3000 */
  readonly pause?: number;
}

/**
 * Builds one revision and waits for the Build of exactly this revision: another one that ends meanwhile, of a push before or
 * after it, does not count. Prints the log of the Build's containers.
 *
 * @returns the image by digest
 * @throws ProgramEnd when the Build fails, or does not appear or end in time
 */
export async function buildRevision(
  client: KubernetesClient,
  wanted: WantedBuild,
  print: (line: string) => void,
): Promise<string> {
  const { namespace, image, pause = 3000 } = wanted;
  const before = new Set((await buildsOf(client, wanted)).map((build) => build.metadata.name));
  const finished = (await buildsOf(client, wanted)).find(
    (build) => isWanted(build, wanted) && outcome(build) === 'True',
  );
  if (finished) {
    print(`${finished.metadata.name} has built ${wanted.revision} already`);
    return latestImage(finished);
  }
  await client.patch(
    images,
    { name: image, namespace },
    {
      spec: { source: { git: { revision: wanted.revision } }, additionalTags: [...wanted.tags] },
    },
  );
  const build = await appeared(client, wanted, before, print);
  print(`waiting for ${build.metadata.name} of ${wanted.revision}`);
  const end = Date.now() + wanted.endsWithin * 1000;
  const printed = new Set<string>();
  for (;;) {
    const now = await client.get<Build>(builds, build.metadata.name ?? '', namespace);
    await printLogs(client, now, printed, print);
    const result = outcome(now);
    if (result === 'True') return latestImage(now);
    if (result === 'False') {
      const message = now.status?.conditions?.find((condition) => condition.type === 'Succeeded')?.message ?? '';
      throw new ProgramEnd(
        1,
        `build ${now.metadata.name} of ${wanted.revision} failed: ${message || 'see its log above'}`,
      );
    }
    if (Date.now() > end) {
      throw new ProgramEnd(1, `build ${now.metadata.name} has not ended within ${wanted.endsWithin} s`);
    }
    await delay(pause);
  }
}

async function appeared(
  client: KubernetesClient,
  wanted: WantedBuild,
  before: ReadonlySet<string | undefined>,
  print: (line: string) => void,
): Promise<Build> {
  const end = Date.now() + wanted.appearsWithin * 1000;
  let asked = false;
  for (;;) {
    const all = await buildsOf(client, wanted);
    const found = all.find(
      (build) => isWanted(build, wanted) && (!before.has(build.metadata.name) || outcome(build) === 'Unknown'),
    );
    if (found) return found;
    // The controller builds a revision once. It builds it again (another tag, or the last try failed) when it is asked to.
    const last = all.find(
      (build) => build.spec.source?.git?.revision === wanted.revision && outcome(build) !== 'Unknown',
    );
    if (last && !asked) {
      asked = true;
      print(`${last.metadata.name} has this revision without these tags; asking for another build`);
      await client.patch(
        builds,
        { name: last.metadata.name ?? '', namespace: wanted.namespace },
        {
          metadata: { annotations: { [buildNeeded]: new Date().toISOString() } },
        },
      );
    }
    if (Date.now() > end) {
      throw new ProgramEnd(
        1,
        `no build of ${wanted.revision} within ${wanted.appearsWithin} s; look at: kubectl -n ${wanted.namespace} describe image ${wanted.image}`,
      );
    }
    await delay(wanted.pause ?? 3000);
  }
}

/** The Builds of the Image, the newest first. */
async function buildsOf(client: KubernetesClient, wanted: WantedBuild): Promise<readonly Build[]> {
  const { items } = await client.list<Build>(builds, {
    namespace: wanted.namespace,
    labelSelector: `image.kpack.io/image=${wanted.image}`,
  });
  const number = (build: Build) => Number(build.metadata.labels?.['image.kpack.io/buildNumber'] ?? 0);
  return items.sort((a, b) => number(b) - number(a));
}

function isWanted(build: Build, wanted: WantedBuild): boolean {
  const tags = new Set(build.spec.tags ?? []);
  return build.spec.source?.git?.revision === wanted.revision && wanted.tags.every((tag) => tags.has(tag));
}

function outcome(build: Build): string {
  return build.status?.conditions?.find((condition) => condition.type === 'Succeeded')?.status ?? 'Unknown';
}

function latestImage(build: Build): string {
  const image = build.status?.latestImage;
  if (!image) throw new ProgramEnd(1, `build ${build.metadata.name} succeeded without an image; look at its status`);
  return image;
}

/** Prints the log of each container that has ended since the last look. */
async function printLogs(
  client: KubernetesClient,
  build: Build,
  printed: Set<string>,
  print: (line: string) => void,
): Promise<void> {
  const { namespace } = build.metadata;
  const pod = build.status?.podName;
  const steps = [...(build.status?.stepsCompleted ?? [])];
  if (!pod || !namespace) return;
  for (const container of steps.filter((step) => !printed.has(step))) {
    printed.add(container);
    const log = await client
      .text(`/api/v1/namespaces/${namespace}/pods/${pod}/log`, { container, limitBytes: '1000000' })
      .catch((error: Error) => `(no log: ${error.message})`);
    for (const line of log.trimEnd().split('\n')) print(`[${container}] ${line}`);
  }
  if (outcome(build) !== 'False' || printed.has('*')) return;
  printed.add('*');
  // The step that failed is not among the completed ones.
  const failed = await failedContainers(client, namespace, pod);
  for (const container of failed.filter((name) => !printed.has(name))) {
    const log = await client
      .text(`/api/v1/namespaces/${namespace}/pods/${pod}/log`, { container, tailLines: '200' })
      .catch((error: Error) => `(no log: ${error.message})`);
    for (const line of log.trimEnd().split('\n')) print(`[${container}] ${line}`);
  }
}

interface PodStatus {
  readonly status?: {
    readonly initContainerStatuses?: ReadonlyArray<{
      readonly name: string;
      readonly state?: { readonly terminated?: { readonly exitCode: number } };
    }>;
  };
}

async function failedContainers(client: KubernetesClient, namespace: string, pod: string): Promise<readonly string[]> {
  const found = await client
    .raw<PodStatus>('GET', `/api/v1/namespaces/${namespace}/pods/${pod}`)
    .catch((): PodStatus => ({}));
  return (found.status?.initContainerStatuses ?? [])
    .filter(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)
    .map(({ name }) => name);
}
