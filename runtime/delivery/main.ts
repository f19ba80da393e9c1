import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type DeliveredApplication, type DeliverySettings, tagEventOf } from '../../model/delivery/index.ts';
import type { RepositoryPlace } from '../../model/forge-url/index.ts';
import { type TagSet, tagPolicy, tagsFor } from '../../model/tag-policy.ts';
import { KubernetesClient } from '../kubernetes/client.ts';
import { exitCode, ProgramEnd, runProgram } from '../program/exit.ts';
import type { GitRemote } from '../state/git.ts';
import { decide, start } from './dispatch.ts';
import { basic, JsonApi } from './forge/http.ts';
import { forgeClient } from './forge/index.ts';
import { ensureHarborProject } from './harbor.ts';
import { buildRevision } from './kpack.ts';
import { updateOverlay } from './overlay.ts';
import { promote } from './promote.ts';
import { placeUrl, provision } from './provision.ts';

const usage = `usage: delivery COMMAND [options]
  dispatch      start the workflow of a push        (FORGE, URL, REF, REVISION)
  build         build a revision with kpack         (APPLICATION, REF, REVISION)
  deploy        write the image to the sandbox      (APPLICATION, REF, REVISION)
  promote       propose the image for production    (APPLICATION; REF and REVISION of a release)
  provision     repositories, protection, webhook   (APPLICATION, HOOK_SECRET_FILE, SCAFFOLDS)
  registry      project of the tenant in Harbor     (TENANT)
options:
  --settings FILE      rendered settings (default /settings/settings.json)
  --credentials DIR    files username and password (default /credentials)
  --ca FILE            certificate authority of forge and registry
  --output FILE        where "build" writes the image by digest
Facts of one run come from the environment, as named in parentheses.
exit codes: 0 done, 2 usage or credentials, 3 refused, 1 anything else`;

interface Options {
  readonly settings: DeliverySettings;
  readonly credentials: string;
  readonly ca: string | undefined;
  readonly output: string | undefined;
}

const print = (line: string) => console.log(line);

const commands: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  async dispatch({ settings }) {
    const event = { forge: fact('FORGE'), url: fact('URL'), ref: fact('REF'), revision: fact('REVISION') };
    const decision = decide(settings, event);
    if (!decision.start) return print(`nothing to do: ${decision.reason}`);
    const { application, template } = decision;
    const started = await withCluster((client) => start(client, decision));
    print(
      `${application.ciNamespace}: ${template} of ${application.name} ${started ? 'started' : 'was started before'}`,
    );
  },

  async build({ settings, output }) {
    const application = applicationNamed(settings);
    const { revision, tags } = revisionTags(settings);
    const image = await withCluster((client) =>
      buildRevision(
        client,
        {
          namespace: application.ciNamespace,
          image: application.name,
          revision,
          tags: tags.tags.map((tag) => `${application.image}:${tag}`),
          appearsWithin: settings.timeouts.buildAppears,
          endsWithin: settings.timeouts.buildEnds,
        },
        print,
      ),
    );
    print(image);
    if (output !== undefined) await writeFile(output, image);
  },

  async deploy({ settings, ...options }) {
    const application = applicationNamed(settings);
    const { tags } = revisionTags(settings);
    if (tags.deployTag === undefined) throw new ProgramEnd(exitCode.refused, 'this revision is not deployed');
    const remote = await gitOpsRemote(settings, application, options);
    const image = { repository: application.image, tag: tags.deployTag };
    const result = await updateOverlay(
      remote,
      settings.branches.sandbox,
      settings.overlays.sandbox,
      image,
      application.name,
    );
    print(result.changed ? `deployed ${image.tag} with ${result.commit}` : `${image.tag} is deployed already`);
  },

  async promote({ settings, ...options }) {
    const application = applicationNamed(settings);
    const remote = await gitOpsRemote(settings, application, options);
    const forge = await client(settings, application.gitOps, options);
    const release = process.env.REF ? releaseOf(settings) : undefined;
    const made = await promote({ settings, application, remote, forge, ...(release ? { release } : {}) });
    if (!made) return print('production has this image already');
    print(`${made.created ? 'opened' : 'open already:'} ${made.url}`);
  },

  async provision({ settings, ...options }) {
    const application = applicationNamed(settings);
    const login = await credentials(options.credentials);
    const work = await mkdtemp(join(tmpdir(), 'scaffolds-'));
    try {
      await cp(fact('SCAFFOLDS'), work, { recursive: true });
      await provision({
        settings,
        application,
        forge: await client(settings, application.source, options),
        hookSecret: (await readFile(fact('HOOK_SECRET_FILE'), 'utf8')).trim(),
        remote: (place) => ({ url: placeUrl(settings, place), credentials: login, caFile: options.ca }),
        scaffolds: {
          source: join(work, application.source.repository),
          gitOps: join(work, application.gitOps.repository),
        },
        print,
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },

  async registry({ settings, ...options }) {
    const { username, password } = await credentials(options.credentials);
    const tenant = fact('TENANT');
    const made = await ensureHarborProject(
      new JsonApi(settings.registry.api, basic(username, password), options.ca),
      tenant,
    );
    print(`project ${tenant} ${made ? 'made' : 'exists'}`);
  },
};

/** A fact of this run. */
function fact(name: string): string {
  const value = process.env[name];
  if (!value) throw new ProgramEnd(exitCode.usage, `${name} is not set\n${usage}`);
  return value;
}

function applicationNamed(settings: DeliverySettings): DeliveredApplication {
  const name = fact('APPLICATION');
  const namespace = process.env.NAMESPACE;
  const found = settings.applications.filter(
    (application) => application.name === name && (namespace === undefined || application.ciNamespace === namespace),
  );
  const [application] = found;
  if (!application || found.length > 1) {
    throw new ProgramEnd(
      exitCode.usage,
      `${found.length} applications are called ${name}; set NAMESPACE and the right name`,
    );
  }
  return application;
}

function revisionTags(settings: DeliverySettings): { revision: string; tags: TagSet } {
  const revision = fact('REVISION');
  const event = tagEventOf(fact('REF'), revision);
  if (!event) throw new ProgramEnd(exitCode.usage, `${fact('REF')} is neither a branch nor a tag`);
  return { revision, tags: tagsFor(tagPolicy(settings.tags), event) };
}

/** The version of a Git tag, and the tag that its commit has in the sandbox. */
function releaseOf(settings: DeliverySettings): { tag: string; commitTag: string } {
  const { revision, tags } = revisionTags(settings);
  const ofBranch = tagsFor(tagPolicy(settings.tags), { kind: 'push', sha: revision, branch: 'main' });
  if (tags.deployTag === undefined || ofBranch.deployTag === undefined) {
    throw new ProgramEnd(exitCode.refused, `${fact('REF')} releases nothing`);
  }
  return { tag: tags.deployTag, commitTag: ofBranch.deployTag };
}

async function gitOpsRemote(
  settings: DeliverySettings,
  application: DeliveredApplication,
  options: Pick<Options, 'credentials' | 'ca'>,
): Promise<GitRemote> {
  return {
    url: process.env.GITOPS_URL ?? placeUrl(settings, application.gitOps),
    credentials: await credentials(options.credentials),
    caFile: options.ca,
  };
}

async function client(
  settings: DeliverySettings,
  place: RepositoryPlace,
  options: Pick<Options, 'credentials' | 'ca'>,
) {
  const forge = settings.forges.find(({ name }) => name === place.forge);
  if (!forge) throw new ProgramEnd(exitCode.usage, `there is no forge ${place.forge} in the settings`);
  const { password } = await credentials(options.credentials);
  return forgeClient(forge, place.owner, password, { caFile: options.ca, api: process.env.FORGE_API });
}

async function credentials(folder: string): Promise<{ username: string; password: string }> {
  const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim();
  try {
    return { username: await read('username'), password: await read('password') };
  } catch (error) {
    throw new ProgramEnd(exitCode.usage, `no credentials in ${folder}: ${(error as Error).message}`);
  }
}

async function withCluster<T>(use: (client: KubernetesClient) => Promise<T>): Promise<T> {
  const cluster = KubernetesClient.fromEnvironment();
  try {
    return await use(cluster);
  } finally {
    cluster.close();
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      settings: { type: 'string', default: '/settings/settings.json' },
      credentials: { type: 'string', default: '/credentials' },
      ca: { type: 'string' },
      output: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const command = commands[positionals[0] ?? ''];
  if (values.help) return print(usage);
  if (!command) throw new ProgramEnd(exitCode.usage, `there is no command ${positionals[0] ?? ''}\n${usage}`);
  const settings = JSON.parse(await readFile(values.settings, 'utf8')) as DeliverySettings;
  await command({ settings, credentials: values.credentials, ca: values.ca, output: values.output });
}

void runProgram('delivery', main);
