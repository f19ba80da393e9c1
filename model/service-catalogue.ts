/**
 * The services of one application: the single source of the build graph, the tag checks and the generated docs.
 * Adding a service is one more entry in a system's settings.
 */
export interface Service {
  /** Name of the image below the registry's prefix; a DNS label such as `query-api`. */
  readonly name: string;
  /** Path of the Dockerfile, relative to the root of the repository. */
  readonly dockerfile: string;
  /**
   * Folder sent to the builder, relative to the root of the repository.
   * @default '.' (the root: services share packages)
   */
  readonly context?: string;
  /**
   * Platforms to build for.
   * @default ['linux/amd64']
   */
  readonly platforms?: readonly string[];
  /**
   * Build arguments with fixed values; never secrets.
   * @default none
   */
  readonly buildArguments?: Readonly<Record<string, string>>;
}

/** All services of an application and the one image that announces a finished build. */
export interface ServiceCatalogue {
  /** In the order in which they are built. */
  readonly services: readonly Service[];
  /**
   * Name of the service whose image tag is watched for new versions. It is pushed last, so that a new tag of this one
   * image means that all others are there (R8.1, analysis 2.11).
   */
  readonly watched: string;
}

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Checks a catalogue and returns it.
 * @throws Error naming every problem: no service, a name that is no DNS label or stands there twice, a path that
 * leaves the repository, a watched service that does not exist.
 */
export function serviceCatalogue(catalogue: ServiceCatalogue): ServiceCatalogue {
  const problems: string[] = [];
  if (catalogue.services.length === 0) {
    problems.push('it has no services: add at least one');
  }
  const seen = new Set<string>();
  for (const { name, dockerfile, context } of catalogue.services) {
    if (!label.test(name)) {
      problems.push(`"${name}" is no DNS label: use lower-case letters, digits and dashes`);
    }
    if (seen.has(name)) {
      problems.push(`"${name}" stands there twice: remove one`);
    }
    seen.add(name);
    for (const [what, path] of [
      ['dockerfile', dockerfile],
      ['context', context ?? '.'],
    ] as const) {
      if (path === '' || path.startsWith('/') || path.split('/').includes('..')) {
        problems.push(`${what} "${path}" of "${name}" must be a path inside the repository`);
      }
    }
  }
  if (!seen.has(catalogue.watched)) {
    problems.push(`the watched service "${catalogue.watched}" is not one of them`);
  }
  if (problems.length > 0) {
    throw new Error(`service catalogue: ${problems.join('; ')}`);
  }
  return catalogue;
}

/** The folder that is sent to the builder of a service. */
export function buildContextOf(service: Service): string {
  return service.context ?? '.';
}

/** The platforms that a service is built for. */
export function platformsOf(service: Service): readonly string[] {
  return service.platforms ?? ['linux/amd64'];
}

/**
 * Groups the services for building: at most `atMost` at a time, the watched one alone at the end.
 * @throws Error if `atMost` is not a positive whole number
 */
export function buildWaves(catalogue: ServiceCatalogue, atMost: number): readonly (readonly Service[])[] {
  if (!Number.isInteger(atMost) || atMost < 1) {
    throw new Error(`build waves: at most ${atMost} builds at a time makes no sense; use a whole number from 1`);
  }
  const others = catalogue.services.filter((service) => service.name !== catalogue.watched);
  const watched = catalogue.services.filter((service) => service.name === catalogue.watched);
  const waves: Service[][] = [];
  for (let start = 0; start < others.length; start += atMost) {
    waves.push(others.slice(start, start + atMost));
  }
  return [...waves, watched];
}
