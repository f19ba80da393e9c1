import type { SecretRecipes } from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { stonksServices } from '../stonks/application.ts';
import { type DeliverySecrets, deliveryRecipes, deliverySecrets, secretId } from '../stonks/secrets.ts';
import type { Settings } from './settings.ts';

/** Addresses of the two repositories, byte-equal everywhere (R25.1). */
export function repositoriesOf({ github }: Settings) {
  const repository = (name: string) => ({ name, url: `${github.url}/${github.owner}/${name}.git` });
  return {
    application: repository(github.applicationRepository),
    pipelines: repository(github.pipelinesRepository),
  } as const;
}

/** The Secrets of the delivery half. Nobody but a person can make tokens on GitHub. */
export function arcSecrets(settings: Settings): DeliverySecrets {
  const { namespaces, promotion, registry } = settings;
  return deliverySecrets({
    namespaces,
    project: promotion.project,
    login: 'github',
    forgeSecrets: 'provided',
    repositories: repositoriesOf(settings),
    registry: registry.credentials ? `${registry.host}/${registry.path}` : undefined,
  });
}

/** Log-in of the kubelet to the registry, by name; production has its own already. */
export function pullSecrets({ registry, stages }: Settings): readonly SecretRef[] {
  return [stages.beta, stages.paper].map(({ namespace }) => ({
    namespace,
    name: 'ghcr-credentials',
    keys: ['.dockerconfigjson'],
    type: 'kubernetes.io/dockerconfigjson',
    provenance: 'provided',
    optional: true,
    purpose: `pulls images of ${registry.host}/${registry.path}; the chart names it, public packages need none`,
  }));
}

/** What is public in the provided Secrets, so that a person gives only what is secret; and the rest of the recipes. */
export function arcRecipes(settings: Settings, secrets: DeliverySecrets): SecretRecipes {
  const { application, pipelines } = repositoriesOf(settings);
  const { registry } = settings;
  const registrySecret = secrets.kargo.find((secret) => secret.labels?.['kargo.akuity.io/cred-type'] === 'image');
  const reads = (url: string) => ({ type: 'literal:git', url: `literal:${url}` });
  return {
    ...deliveryRecipes(settings.namespaces, secrets.stateKeys.kargo, [secrets.stateKeys.argoCd]),
    [secretId(secrets.kargoGit)]: { repoURL: `literal:${pipelines.url}` },
    [secretId(secrets.applicationRepository)]: reads(application.url),
    [secretId(secrets.pipelinesRepository)]: reads(pipelines.url),
    ...(registrySecret === undefined
      ? {}
      : {
          [secretId(registrySecret)]: {
            repoURL: `literal:${registry.host}/${registry.path}/${stonksServices.watched}`,
          },
        }),
  };
}
