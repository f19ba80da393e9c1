import { defineSystem } from '../../constructs/core/index.ts';
import { writeInventory } from '../../constructs/inventory/index.ts';
import { kargoSecretName } from '../../constructs/kargo/index.ts';
import { allowPattern } from '../../model/tag-policy.ts';
import { stonksServices } from '../stonks/application.ts';
import { composePlatform } from '../stonks/platform.ts';
import { composePromotion } from '../stonks/promotion.ts';
import { composeRecords } from '../stonks/records.ts';
import { stonksStages } from '../stonks/stages.ts';
import { composeState, deliveryState, type StateFacts } from '../stonks/state.ts';
import { composeApplication, stonksTags } from './application.ts';
import { composeCi } from './ci.ts';
import { composeForge } from './forge.ts';
import { composeStonksNamespaces, composeStonksStorage } from './foundation.ts';
import { composeStonksInstall } from './install.ts';
import { providedSecrets, stonksSecrets } from './secrets.ts';
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
    const secrets = stonksSecrets(facts);
    const registryPath = `${registry.host}/${registry.path}`;

    composeStonksNamespaces(output, facts);
    const ci = composeCi(output, facts);
    const claims = { argoCd: 'argocd-state', kargo: 'kargo-state', woodpecker: ci.claim };
    const directoriesJob = composeStonksStorage(output, facts, claims);
    const deskUrl = `https://${hosts.kargo}/desk/`;
    composePlatform(output, {
      hosts,
      ingress: facts.ingress,
      namespaces,
      images,
      login: {
        forgeUrl: forge.url,
        image: images.dex,
        secret: kargoSecretName.login.gitea,
        users: { email: [...new Set([...people.operators, ...people.approvers])] },
      },
      credentialsOverHttp: forge.url.startsWith('http:'),
      author: { name: 'Kargo', email: `${forge.users.kargo}@${hosts.kargo}` },
      webhookClients: [namespaces.steps],
      argoCdClients: [forge.namespace],
    });
    const names = composePromotion(output, {
      stages,
      window: promotion.window,
      clock: promotion.clock,
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
      deskUrl,
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
          credentials: secrets.audit,
        },
      },
      context,
    );
    const application = composeApplication(output, facts, context, ci);
    const forgeJobs = composeForge(output, facts, context, ci, secrets);
    const desired = output.files().flatMap((file) => (file.path.startsWith('gitops/') ? file.objects : []));
    const part = (state: StateFacts) => composeState(output, state, images.nodeWithGit, context, desired);
    const delivery = deliveryState(
      {
        namespaces,
        volumes: facts.storage.volumes,
        claims,
        secrets,
        project: promotion.project,
        stages,
        applications: Object.values(names.applications),
        // Its history goes on here: both have the same project on the same volumes (docs/stonks-oracle-arc.md).
        predecessors: ['stonks-oracle-arc'],
        repositories: [
          {
            name: forge.pipelinesRepository,
            url: repository(forge.pipelinesRepository),
            credentials: secrets.pipelinesRepository,
          },
          {
            name: forge.applicationRepository,
            url: repository(forge.applicationRepository),
            credentials: secrets.applicationRepository,
          },
        ],
      },
      part,
    );
    const state = {
      ...delivery,
      woodpecker: part({
        part: 'woodpecker',
        namespace: namespaces.woodpecker,
        claimName: claims.woodpecker,
        uid: facts.storage.volumes.woodpecker.uid,
        key: secrets.stateKeys.woodpecker,
        woodpecker: {},
        secrets: [ci.databasePassword, ci.secrets.internal],
      }),
    };
    const provided = providedSecrets(facts);
    const allSecrets = [
      ...secrets.kargo,
      ...secrets.argoCd,
      ...Object.values(ci.secrets),
      ci.databasePassword,
      secrets.audit,
      ...Object.values(secrets.stateKeys),
      ...forgeJobs.secrets,
      ...application.chart.secrets,
      provided.mirror,
      ...(provided.registry ? [provided.registry] : []),
    ];
    composeStonksInstall(output, {
      settings: facts,
      stages,
      claims,
      directoriesJob,
      ci,
      forge: forgeJobs,
      promotion: names,
      state,
      secrets,
      allSecrets,
      deskUrl,
    });
    writeInventory(output, {
      title: 'Stonks Oracle, local',
      description:
        'From a push to Gitea to live trading on one cluster: Woodpecker builds and tests, Kargo promotes, Argo CD deploys, and the API server itself refuses promotions to paper and live in market hours.',
      pipeline: application.pipeline.pipeline,
      stages,
      secrets: allSecrets,
    });
  },
});
