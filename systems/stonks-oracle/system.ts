import { defineSystem } from '../../constructs/core/index.ts';
import { kargoSecretName } from '../../constructs/kargo/index.ts';
import { allowPattern } from '../../model/tag-policy.ts';
import { stonksServices } from '../stonks/application.ts';
import { composePlatform } from '../stonks/platform.ts';
import { composePromotion } from '../stonks/promotion.ts';
import { composeRecords } from '../stonks/records.ts';
import { stonksStages } from '../stonks/stages.ts';
import { composeApplication, stonksTags } from './application.ts';
import { composeCi } from './ci.ts';
import { composeNamespaces, composeStorage } from './foundation.ts';
import { auditCredentials } from './secrets.ts';
import { checks, schema, settings } from './settings.ts';

/** Stonks Oracle, local (requirements/000): Gitea, Woodpecker, a local registry, Kargo and Argo CD. */
export const stonksOracle = defineSystem({
  name: 'stonks-oracle',
  description: 'Stonks Oracle, from a push to Gitea to live trading, without any service outside the cluster',
  schema,
  settings,
  checks,
  compose(output, facts, context) {
    const { forge, namespaces, promotion, registry, people, hosts, images } = facts;
    const repository = (name: string) => `${forge.url}/${forge.owner}/${name}.git`;
    const stages = stonksStages({
      evidence: [{ name: 'ci', kind: 'ci', enabled: facts.stages.ci.enabled }],
      beta: facts.stages.beta,
      paper: { ...facts.stages.paper, promotion: promotion.paper },
      live: facts.stages.live,
      window: promotion.window,
      people,
    });
    const registryPath = `${registry.host}/${registry.path}`;

    composeNamespaces(output, facts);
    const ci = composeCi(output, facts);
    const claims = { argoCd: 'argocd-state', kargo: 'kargo-state', woodpecker: ci.claim };
    composeStorage(output, facts, claims);
    composePlatform(output, {
      hosts,
      ingress: facts.ingress,
      namespaces,
      images,
      login: {
        forgeUrl: forge.url,
        image: images.dex,
        secret: kargoSecretName.login,
        users: { email: [...new Set([...people.operators, ...people.approvers])] },
      },
      credentialsOverHttp: forge.url.startsWith('http:'),
      author: { name: 'Kargo', email: `${forge.users.kargo}@${hosts.kargo}` },
      webhookClients: [namespaces.steps],
      argoCdClients: [forge.namespace],
    });
    composePromotion(output, {
      stages,
      window: promotion.window,
      people,
      project: promotion.project,
      warehouse: promotion.warehouse,
      image: `${registryPath}/${stonksServices.watched}`,
      tagPattern: allowPattern(stonksTags),
      evidence: {
        ci: {
          forge: { kind: 'gitea', url: forge.url },
          owner: forge.owner,
          repository: forge.applicationRepository,
          context: 'integration-test',
          creator: forge.users.ci,
          timeout: promotion.evidenceTimeout,
          tokenSecret: kargoSecretName.status,
        },
      },
      applicationRepository: repository(forge.applicationRepository),
      pipelinesRepository: repository(forge.pipelinesRepository),
      imageRegistry: registryPath,
      liveChart: promotion.liveChart,
      namespaces,
      platformNamespaces: [namespaces.woodpecker, namespaces.steps],
      deskUrl: `https://${hosts.kargo}/desk/`,
    });
    composeRecords(
      output,
      {
        namespace: namespaces.kargo,
        project: promotion.project,
        host: hosts.kargo,
        ingress: facts.ingress,
        stages,
        watchedImage: `${registryPath}/${stonksServices.watched}`,
        commitUrl: `${forge.url}/${forge.owner}/${forge.applicationRepository}/commit/{tag}`,
        image: images.node,
        uid: facts.storage.volumes.kargo.uid,
        claim: claims.kargo,
        anchor: {
          forgeUrl: forge.url,
          owner: forge.owner,
          repository: forge.pipelinesRepository,
          credentials: auditCredentials(namespaces.kargo),
        },
      },
      context,
    );
    composeApplication(output, facts, context, ci);
  },
});
