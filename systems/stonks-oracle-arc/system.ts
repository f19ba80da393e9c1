import { defineSystem } from '../../constructs/core/index.ts';
import { writeInventory } from '../../constructs/inventory/index.ts';
import { kargoSecretName } from '../../constructs/kargo/index.ts';
import { allowPattern } from '../../model/tag-policy.ts';
import { stonksServices } from '../stonks/application.ts';
import { composeNamespaces, composeStorage } from '../stonks/foundation.ts';
import { composePlatform } from '../stonks/platform.ts';
import { composePromotion } from '../stonks/promotion.ts';
import { composeRecords } from '../stonks/records.ts';
import { stonksStages } from '../stonks/stages.ts';
import { composeState, deliveryState } from '../stonks/state.ts';
import { composeApplication, evidenceContext, stonksTags } from './application.ts';
import { composeArcInstall } from './install.ts';
import { cacheClaim, composeRunners, runnerNamespace } from './runners.ts';
import { arcSecrets, pullSecrets, repositoriesOf } from './secrets.ts';
import { checks, schema, settings } from './settings.ts';

/** Stonks Oracle, the predecessor (requirements/001): GitHub, its Actions on runners of the cluster, GHCR, Kargo and Argo CD. */
export const stonksOracleArc = defineSystem({
  name: 'stonks-oracle-arc',
  description: 'Stonks Oracle, from a push to GitHub to live trading, with GitHub Actions on runners of the cluster',
  schema,
  settings,
  checks,
  compose(output, facts, context) {
    const { github, namespaces, promotion, registry, people, hosts, images, storage } = facts;
    const repositories = repositoriesOf(facts);
    const stages = stonksStages({
      evidence: [
        { name: 'ci', kind: 'ci', enabled: facts.stages.ci.enabled },
        { name: 'integration-test', kind: 'integration-test', enabled: facts.stages.integrationTest.enabled },
      ],
      beta: facts.stages.beta,
      paper: { ...facts.stages.paper, promotion: promotion.paper },
      live: facts.stages.live,
      window: promotion.window,
      people,
    });
    const secrets = arcSecrets(facts);
    const registryPath = `${registry.host}/${registry.path}`;
    const watchedImage = `${registryPath}/${stonksServices.watched}`;
    const claims = { argoCd: 'argocd-state', kargo: 'kargo-state', arc: cacheClaim };
    const deskUrl = `https://${hosts.kargo}/desk/`;

    composeNamespaces(output, {
      own: [runnerNamespace(namespaces.arc)],
      argoCd: namespaces.argoCd,
      kargo: namespaces.kargo,
      setUp: namespaces.setUp,
      project: promotion.project,
      workloads: [facts.stages.beta.namespace, facts.stages.paper.namespace],
    });
    const volumes = (['argoCd', 'kargo', 'arc'] as const).map((key) => ({
      ...storage.volumes[key],
      claim: { namespace: namespaces[key], name: claims[key] },
    }));
    const directoriesJob = composeStorage(output, {
      share: storage.share,
      volumes,
      setUp: namespaces.setUp,
      image: images.busybox,
    });
    const runners = composeRunners(output, facts);
    composePlatform(output, {
      hosts,
      ingress: facts.ingress,
      namespaces,
      images,
      login: {
        kind: 'github',
        image: images.dex,
        secret: kargoSecretName.login.github,
        users: { email: [...new Set([...people.operators, ...people.approvers])] },
      },
      credentialsOverHttp: false,
      author: { name: 'Kargo', email: `kargo@${hosts.kargo}` },
      webhookClients: [],
      argoCdClients: [],
    });
    const evidence = (context: string) => ({
      forge: { kind: 'github', apiUrl: github.api } as const,
      owner: github.owner,
      repository: github.applicationRepository,
      context,
      creator: github.statusCreator,
      timeout: promotion.evidenceTimeout,
      tokenSecret: kargoSecretName.status,
    });
    const names = composePromotion(output, {
      stages,
      window: promotion.window,
      clock: promotion.clock,
      people,
      project: promotion.project,
      warehouse: promotion.warehouse,
      image: watchedImage,
      tagPattern: allowPattern(stonksTags),
      evidence: { ci: evidence(evidenceContext.ci), 'integration-test': evidence(evidenceContext.integrationTest) },
      applicationRepository: repositories.application.url,
      pipelinesRepository: repositories.pipelines.url,
      imageRegistry: registryPath,
      liveChart: promotion.liveChart,
      namespaces,
      platformNamespaces: [namespaces.arc],
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
        watchedImage,
        commitUrl: `${github.url}/${github.owner}/${github.applicationRepository}/commit/{tag}`,
        image: images.node,
        uid: storage.volumes.kargo.uid,
        claim: claims.kargo,
      },
      context,
    );
    const application = composeApplication(output, facts, context, runners);
    const desired = output.files().flatMap((file) => (file.path.startsWith('gitops/') ? file.objects : []));
    const state = deliveryState(
      {
        namespaces,
        volumes: storage.volumes,
        claims,
        secrets,
        project: promotion.project,
        stages,
        applications: Object.values(names.applications),
      },
      (part) => composeState(output, part, images.nodeWithGit, context, desired),
    );
    const allSecrets = [
      ...secrets.kargo,
      ...secrets.argoCd,
      ...Object.values(secrets.stateKeys),
      runners.secret,
      ...pullSecrets(facts),
      ...application.chart.secrets,
    ];
    composeArcInstall(output, {
      settings: facts,
      stages,
      claims: volumes.map(({ claim }) => `${claim.namespace}/${claim.name}`),
      directoriesJob,
      runners,
      promotion: names,
      state,
      secrets,
      allSecrets,
      deskUrl,
    });
    writeInventory(output, {
      title: 'Stonks Oracle on GitHub Actions',
      description:
        'From a push to GitHub to live trading: GitHub Actions build and test on runners of the cluster, Kargo promotes, Argo CD deploys, and the API server itself refuses promotions to paper and live in market hours.',
      pipeline: application.pipeline.pipeline,
      stages,
      secrets: allSecrets,
    });
  },
});
