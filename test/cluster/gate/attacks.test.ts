import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gateAnnotation } from '../../../model/gate/index.ts';
import { type PromotionWindow, weekdays } from '../../../model/promotion-window/index.ts';
import {
  address,
  application,
  applyPatch,
  caller,
  createPromotion,
  freight,
  json,
  mergePatch,
  patchStatus,
  preparePipeline,
  project,
  promotion,
  refusal,
  stageObject,
  warehouse,
} from '../../support/gate/cluster.ts';
import { alice, bob, exampleGate, gateObjects } from '../../support/gate/example.ts';
import { badJustifications, goodJustifications } from '../../support/gate/texts.ts';
import { type Answer, type Caller, type Plane, startPlane } from '../../support/plane.ts';
import { until } from '../../support/processes.ts';

/** Blocked at any time of any day, so that the test does not depend on when it runs. */
const always: PromotionWindow = { timeZone: 'America/New_York', days: weekdays, from: '00:00', to: '24:00' };
const justification = 'orders are rejected, rolling back';
const note = { [gateAnnotation.note]: 'release 12' };
const breakGlass = { [gateAnnotation.breakGlass]: justification };
const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

let plane: Plane;

/** A request that the gate refuses. `dry` sends it as a server-side dry run, which is admitted like the real one. */
interface Attack {
  /** Row of the attack report, where it has one. */
  readonly row?: string;
  readonly what: string;
  readonly send: (dry: string) => Promise<Answer>;
  readonly text: RegExp;
}

const create = (who: Caller, options: Parameters<typeof promotion>[0]) => (dry: string) =>
  createPromotion(plane, who, options, dry !== '');
const post = (who: Caller, target: string, body: unknown) => (dry: string) =>
  plane.request('POST', target + dry, body, who);
const patch =
  (who: Caller, target: string, body: unknown, contentType: string = mergePatch) =>
  (dry: string) =>
    plane.request('PATCH', target + dry, body, { ...who, contentType });
const remove = (who: Caller, target: string) => (dry: string) => plane.request('DELETE', target + dry, undefined, who);
const status = (who: Caller, resource: string, name: string, value: unknown) => (dry: string) =>
  patchStatus(plane, who, resource, name, value, dry);

const at = (resource: string, name?: string, namespace: string = project) =>
  address(resource, name === undefined ? { namespace } : { namespace, name });
const annotate = (values: Record<string, string | null>) => ({ metadata: { annotations: values } });

const creations: Attack[] = [
  {
    row: 'B',
    what: 'promotion inside the window through Kargo',
    send: create(caller.kargoApi, { stage: 'paper', actor: alice }),
    text: /blocked: paper takes no promotion during market hours .*It opens in (\d+h)?\d+m\. Promote then, or break glass/,
  },
  {
    row: 'B',
    what: 'automatic promotion inside the window',
    send: create(caller.kargoController, { stage: 'paper' }),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'kubectl create inside the window',
    send: create(caller.mallory, { stage: 'paper', actor: 'kubernetes:mallory' }),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'forged creationTimestamp',
    send: create(caller.kargoApi, {
      stage: 'paper',
      actor: alice,
      metadata: { creationTimestamp: '2020-01-05T12:00:00Z', uid: '11111111-1111-1111-1111-111111111111' },
    }),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'forged managedFields at creation',
    send: create(caller.kargoApi, {
      stage: 'paper',
      actor: alice,
      metadata: {
        managedFields: [
          {
            manager: 'kargo',
            operation: 'Update',
            apiVersion: 'kargo.akuity.io/v1alpha1',
            time: '2020-01-05T12:00:00Z',
            fieldsType: 'FieldsV1',
            fieldsV1: {},
          },
        ],
      },
    }),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'generateName',
    send: create(caller.kargoApi, {
      stage: 'paper',
      actor: alice,
      metadata: { name: undefined, generateName: 'paper-' },
    }),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'server-side apply that creates',
    send: (dry) =>
      plane.request(
        'PATCH',
        `${at('kargo/promotions', 'paper.applied')}?fieldManager=mallory&force=true${dry.replace('?', '&')}`,
        promotion({ name: 'paper.applied', stage: 'paper', actor: 'kubernetes:mallory' }),
        { ...caller.mallory, contentType: applyPatch },
      ),
    text: /blocked: paper/,
  },
  {
    row: 'B',
    what: 'break-glass annotation that is null',
    send: create(caller.kargoApi, {
      stage: 'paper',
      actor: alice,
      annotations: { [gateAnnotation.breakGlass]: null as never },
    }),
    text: /the justification has to be one line|blocked: paper/,
  },
  {
    row: 'B',
    what: 'break-glass annotation in capitals',
    send: create(caller.kargoApi, {
      stage: 'paper',
      actor: alice,
      annotations: { 'Pipelines.celestium.life/Break-Glass': justification },
    }),
    text: /unknown key|blocked: paper/,
  },
  {
    row: 'B',
    what: 'create-actor spoofed with kubectl',
    send: create(caller.mallory, { stage: 'paper', actor: alice, annotations: breakGlass }),
    text: /identity: create-actor does not match/,
  },
  {
    what: 'create-actor left out with kubectl',
    send: create(caller.mallory, { stage: 'beta', actor: null }),
    text: /identity: create-actor does not match/,
  },
  {
    what: 'create-actor of somebody else whose name begins alike',
    send: create(caller.mallory, { stage: 'beta', actor: 'kubernetes:mallory2' }),
    text: /identity: create-actor does not match/,
  },
  {
    what: 'an automatic promotion that claims an actor',
    send: create(caller.kargoController, { stage: 'beta', actor: alice }),
    text: /identity: create-actor does not match/,
  },
  {
    what: 'an automatic promotion that breaks glass',
    send: create(caller.kargoController, { stage: 'paper', annotations: breakGlass }),
    text: /identity: an automatic promotion carries neither|may not override/,
  },
  {
    what: 'an automatic promotion with a note',
    send: create(caller.kargoController, { stage: 'beta', annotations: note }),
    text: /identity: an automatic promotion carries neither/,
  },
  {
    what: 'a misspelt annotation',
    send: create(caller.kargoApi, {
      stage: 'beta',
      actor: alice,
      annotations: { 'pipelines.celestium.life/breakglass': justification },
    }),
    text: /annotation: unknown key under pipelines\.celestium\.life/,
  },
  {
    what: 'a copy of a break-glass promotion, sent with kubectl',
    send: create(caller.mallory, { stage: 'paper', actor: alice, annotations: { ...breakGlass, ...note } }),
    text: /identity: create-actor/,
  },
  {
    what: 'a copy of a break-glass promotion, sent through Kargo by somebody else',
    send: create(caller.kargoApi, { stage: 'paper', actor: bob, annotations: { ...breakGlass, ...note } }),
    text: /break-glass: email:bob@example.org may not override the promotion window of paper\. Ask one of email:alice/,
  },
  {
    row: 'A6',
    what: 'break-glass by an API token',
    send: create(caller.kargoApi, { stage: 'paper', actor: 'unknown actor', annotations: breakGlass }),
    text: /unknown actor may not override|names nobody/,
  },
  {
    row: 'D6',
    what: 'break-glass by the shared account',
    send: create(caller.kargoApi, { stage: 'paper', actor: 'admin', annotations: breakGlass }),
    text: /admin may not override/,
  },
  {
    row: 'A6',
    what: 'break-glass by kubectl',
    send: create(caller.mallory, { stage: 'paper', actor: 'kubernetes:mallory', annotations: breakGlass }),
    text: /kubernetes:mallory may not override/,
  },
  {
    what: 'break-glass by a name that contains an allowed one',
    send: create(caller.kargoApi, { stage: 'paper', actor: `${alice}.evil.example`, annotations: breakGlass }),
    text: /may not override/,
  },
  {
    what: 'break-glass for a stage without a window',
    send: create(caller.kargoApi, { stage: 'beta', actor: alice, annotations: breakGlass }),
    text: /break-glass: beta has no promotion window to override/,
  },
  {
    what: 'break-glass on live without a note',
    send: create(caller.kargoApi, { stage: 'live', actor: alice, annotations: breakGlass }),
    text: /note: a promotion to live needs a note/,
  },
  {
    what: 'break-glass with a good justification on live by an approver who may not',
    send: create(caller.kargoApi, { stage: 'live', actor: bob, annotations: { ...breakGlass, ...note } }),
    text: /bob@example.org may not override/,
  },
  {
    what: 'live by the shared account',
    send: create(caller.kargoApi, { stage: 'live', actor: 'admin', annotations: note }),
    text: /live is promoted by a named person, and admin names nobody|blocked: live/,
  },
  {
    what: 'live by an API token',
    send: create(caller.kargoApi, { stage: 'live', actor: 'unknown actor', annotations: note }),
    text: /unknown actor names nobody|blocked: live/,
  },
  {
    what: 'live by a service account',
    send: create(caller.kargoAdminToken, {
      stage: 'live',
      actor: `kubernetes:${caller.kargoAdminToken.as}`,
      annotations: note,
    }),
    text: /names nobody|blocked: live/,
  },
  {
    what: 'live automatically',
    send: create(caller.kargoController, { stage: 'live' }),
    text: /approval: live is promoted by hand, never automatically|note: a promotion to live needs|blocked: live/,
  },
  {
    what: 'a disabled stage',
    send: create(caller.kargoApi, { stage: 'canary', actor: alice }),
    text: /disabled: stage canary is switched off by its setting/,
  },
  {
    what: 'a stage that the gate does not know',
    send: create(caller.kargoApi, { stage: 'zz-git', actor: alice }),
    text: /stage: the gate does not know this stage/,
  },
  {
    what: 'a stage in other letters',
    send: create(caller.kargoApi, { stage: 'Paper', actor: alice }),
    text: /stage: the gate does not know|Invalid value/,
  },
];

const queued = at('kargo/promotions', 'paper.queued');
const changes: Attack[] = [
  {
    row: 'A4',
    what: 'break-glass added to a queued promotion',
    send: patch(caller.kargoAdminToken, queued, annotate(breakGlass)),
    text: /immutable: note, break-glass and every other annotation/,
  },
  {
    row: 'A4',
    what: 'the same by the administrator of the cluster',
    send: patch(caller.clusterAdmin, queued, annotate(breakGlass)),
    text: /immutable: note/,
  },
  {
    row: 'A4',
    what: 'the same by the Kargo controller',
    send: patch(caller.kargoController, queued, annotate(breakGlass)),
    text: /immutable: note/,
  },
  {
    row: 'A4',
    what: 'the same by server-side apply',
    send: (dry) =>
      plane.request(
        'PATCH',
        `${queued}?fieldManager=mallory&force=true${dry.replace('?', '&')}`,
        { apiVersion: 'kargo.akuity.io/v1alpha1', kind: 'Promotion', ...annotate(breakGlass) },
        { ...caller.mallory, contentType: applyPatch },
      ),
    text: /immutable: note/,
  },
  {
    row: 'A8',
    what: 'a note edited',
    send: patch(caller.kargoAdminToken, queued, annotate({ [gateAnnotation.note]: 'forged' })),
    text: /immutable: note/,
  },
  {
    row: 'A8',
    what: 'a note removed',
    send: patch(caller.kargoAdminToken, queued, annotate({ [gateAnnotation.note]: null })),
    text: /immutable: note/,
  },
  {
    row: 'A8',
    what: 'the actor edited',
    send: patch(caller.kargoAdminToken, queued, annotate({ 'kargo.akuity.io/create-actor': bob })),
    text: /immutable: note/,
  },
  {
    row: 'A8',
    what: 'labels edited',
    send: patch(caller.kargoAdminToken, queued, { metadata: { labels: { 'kargo.akuity.io/stage': 'beta' } } }),
    text: /immutable: labels, owners and finalizers/,
  },
  {
    row: 'A8',
    what: 'finalizers edited',
    send: patch(caller.kargoAdminToken, queued, { metadata: { finalizers: ['example.org/mine'] } }),
    text: /immutable: labels/,
  },
  {
    what: 'owners edited',
    send: patch(caller.mallory, queued, {
      metadata: {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'ConfigMap', name: 'mine', uid: '22222222-2222-2222-2222-222222222222' },
        ],
      },
    }),
    text: /immutable: labels/,
  },
  {
    what: 'the target edited',
    send: patch(caller.mallory, queued, { spec: { stage: 'beta' } }),
    text: /immutable: the spec/,
  },
  {
    what: 'the steps edited',
    send: patch(caller.kargoAdminToken, queued, { spec: { steps: [{ uses: 'git-push' }] } }),
    text: /immutable: the spec/,
  },
  {
    row: 'A15',
    what: 'managedFields reset',
    send: patch(caller.mallory, queued, { metadata: { managedFields: [{}] } }),
    text: /immutable: managedFields is the clock/,
  },
  {
    row: 'A3',
    what: 'status forged with a token of a project admin',
    send: status(caller.kargoAdminToken, 'kargo/promotions', 'paper.queued', {
      phase: 'Running',
      startedAt: '2020-01-05T13:00:00Z',
    }),
    text: /status: the state of a promotion is written by the Kargo controller only|clock:|blocked:/,
  },
  {
    row: 'A3',
    what: 'status forged with the present time',
    send: (dry) =>
      status(caller.mallory, 'kargo/promotions', 'beta.queued', { phase: 'Running', startedAt: now() })(dry),
    text: /status: the state of a promotion is written/,
  },
  {
    what: 'status forged by the administrator of the cluster',
    send: status(caller.clusterAdmin, 'kargo/promotions', 'beta.queued', { phase: 'Succeeded' }),
    text: /status: the state of a promotion is written/,
  },
  {
    what: "status forged by Kargo's own API server",
    send: status(caller.kargoApi, 'kargo/promotions', 'beta.queued', { message: 'mine' }),
    text: /status: the state of a promotion is written/,
  },
  {
    row: 'A7',
    what: 'a finished promotion resurrected, even by the controller',
    send: status(caller.kargoController, 'kargo/promotions', 'beta.done', { phase: 'Pending' }),
    text: /status: a finished promotion never changes/,
  },
  {
    what: 'a promotion that succeeds without a start',
    send: status(caller.kargoController, 'kargo/promotions', 'paper.queued', { phase: 'Succeeded' }),
    text: /status: a promotion that never started/,
  },
  {
    what: 'startedAt of a running promotion moved',
    send: status(caller.kargoController, 'kargo/promotions', 'beta.running', { startedAt: '2020-01-05T13:00:00Z' }),
    text: /status: startedAt never changes/,
  },
  {
    what: 'startedAt of a running promotion removed',
    send: status(caller.kargoController, 'kargo/promotions', 'beta.running', { startedAt: null }),
    text: /status: startedAt never changes/,
  },
  {
    what: 'a queued promotion that starts inside the window',
    send: (dry) =>
      status(caller.kargoController, 'kargo/promotions', 'paper.queued', { phase: 'Running', startedAt: now() })(dry),
    text: /blocked: paper takes no promotion .*This one waits and starts by itself in (\d+h)?\d+m\. In an emergency abort it and break glass/,
  },
  {
    row: 'C',
    what: 'a start with a startedAt of last week',
    send: status(caller.kargoController, 'kargo/promotions', 'beta.queued', {
      phase: 'Running',
      startedAt: '2026-01-05T13:00:00Z',
    }),
    text: /clock: startedAt is more than two minutes/,
  },
  {
    row: 'C',
    what: 'a start without startedAt',
    send: status(caller.kargoController, 'kargo/promotions', 'beta.queued', { phase: 'Running' }),
    text: /clock: startedAt is more than two minutes/,
  },
  {
    what: 'a queued promotion of a stage that was switched off',
    send: (dry) =>
      status(caller.kargoController, 'kargo/promotions', 'canary.queued', { phase: 'Running', startedAt: now() })(dry),
    text: /disabled: stage canary is switched off .* does not start\. Abort it/,
  },
  {
    row: 'A8',
    what: 'a promotion deleted by a project admin',
    send: remove(caller.kargoAdminToken, queued),
    text: /history: what was promoted is kept/,
  },
  {
    row: 'A8',
    what: 'all promotions deleted',
    send: remove(caller.kargoAdminToken, at('kargo/promotions')),
    text: /history: what was promoted is kept/,
  },
  {
    what: 'Freight deleted through Kargo',
    send: remove(caller.kargoApi, at('kargo/freights', freight.metadata.name)),
    text: /history:/,
  },
  {
    what: 'the namespace of the project deleted',
    send: remove(caller.clusterAdmin, address('namespaces', { name: project })),
    text: /history:/,
  },
];

const paperStage = at('kargo/stages', 'paper');
const evil = { spec: { promotionTemplate: { spec: { steps: [{ uses: 'git-push' }] } } } };
const definition: Attack[] = [
  {
    row: 'A1',
    what: 'a second Stage that writes the same target',
    send: post(caller.kargoApi, at('kargo/stages'), stageObject('zz-git')),
    text: /pipeline: it is defined in Git/,
  },
  {
    row: 'A1',
    what: 'a second Stage in another namespace',
    send: post(caller.kargoApi, at('kargo/stages', undefined, 'elsewhere'), {
      ...stageObject('zz'),
      metadata: { name: 'zz', namespace: 'elsewhere' },
    }),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: 'the steps of a Stage edited',
    send: patch(caller.kargoAdminToken, paperStage, evil),
    text: /pipeline: it is defined in Git\. Change/,
  },
  {
    row: 'A2',
    what: 'the sources of a Stage edited by server-side apply',
    send: (dry) =>
      plane.request(
        'PATCH',
        `${paperStage}?fieldManager=mallory&force=true${dry.replace('?', '&')}`,
        {
          ...stageObject('paper'),
          spec: { requestedFreight: [{ origin: { kind: 'Warehouse', name: 'other' }, sources: { direct: true } }] },
        },
        { ...caller.mallory, contentType: applyPatch },
      ),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: 'a Stage edited by the administrator of the cluster',
    send: patch(caller.clusterAdmin, paperStage, evil),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: 'a Stage replaced (upsert)',
    send: async (dry) => {
      const { body } = await plane.request('GET', paperStage);
      return plane.request(
        'PUT',
        paperStage + dry,
        { ...body, ...evil, spec: { ...body.spec, ...evil.spec } },
        { ...caller.kargoApi, contentType: json },
      );
    },
    text: /pipeline:/,
  },
  {
    what: 'the description of a Stage edited',
    send: patch(caller.mallory, paperStage, annotate({ 'kargo.akuity.io/description': 'always open' })),
    text: /pipeline: its description/,
  },
  {
    what: 'an annotation of the gate on a Stage',
    send: patch(caller.kargoApi, paperStage, annotate({ [gateAnnotation.note]: 'x' })),
    text: /pipeline: its description/,
  },
  {
    row: 'A9',
    what: 'an owner put on a Stage',
    send: patch(caller.kargoAdminToken, paperStage, {
      metadata: {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'ConfigMap', name: 'mine', uid: '22222222-2222-2222-2222-222222222222' },
        ],
      },
    }),
    text: /pipeline:/,
  },
  {
    row: 'A8',
    what: 'a Stage deleted',
    send: remove(caller.kargoApi, paperStage),
    text: /pipeline: it is defined in Git, where/,
  },
  {
    row: 'A2',
    what: 'a Warehouse edited',
    send: patch(caller.kargoApi, at('kargo/warehouses', 'images'), {
      spec: { subscriptions: [{ image: { repoURL: 'registry.evil.example/app' } }] },
    }),
    text: /pipeline:/,
  },
  {
    what: 'a Warehouse created',
    send: post(caller.kargoApi, at('kargo/warehouses'), {
      ...warehouse,
      metadata: { name: 'mine', namespace: project },
    }),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: 'automatic promotion switched on',
    send: patch(caller.kargoAdminToken, at('kargo/projectconfigs', project), {
      spec: { promotionPolicies: [{ stageSelector: { name: 'live' }, autoPromotionEnabled: true }] },
    }),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: 'a PromotionTask',
    send: post(caller.kargoApi, at('kargo/promotiontasks'), {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'PromotionTask',
      metadata: { name: 'mine', namespace: project },
      spec: { steps: [{ uses: 'git-push' }] },
    }),
    text: /pipeline:/,
  },
  {
    what: 'a ClusterPromotionTask',
    send: post(caller.kargoApi, address('kargo/clusterpromotiontasks'), {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'ClusterPromotionTask',
      metadata: { name: 'mine' },
      spec: { steps: [{ uses: 'git-push' }] },
    }),
    text: /pipeline:/,
  },
  {
    what: 'a ClusterConfig',
    send: post(caller.kargoApi, address('kargo/clusterconfigs'), {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'ClusterConfig',
      metadata: { name: 'cluster' },
      spec: {},
    }),
    text: /pipeline:/,
  },
  {
    row: 'A2',
    what: "a Project of one's own",
    send: post(caller.kargoApi, address('kargo/projects'), {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'Project',
      metadata: { name: 'mine' },
    }),
    text: /pipeline:/,
  },
  {
    row: 'A8',
    what: 'the Project deleted',
    send: remove(caller.kargoApi, address('kargo/projects', { name: project })),
    text: /pipeline:/,
  },
];

const freightName = freight.metadata.name;
const evidence: Attack[] = [
  {
    row: 'A11',
    what: 'Freight made by hand',
    send: post(caller.kargoApi, at('kargo/freights'), {
      ...freight,
      metadata: { name: 'e'.repeat(40), namespace: project },
    }),
    text: /evidence: Freight is made by its Warehouse only/,
  },
  {
    row: 'A10',
    what: 'verification forged',
    send: status(caller.kargoAdminToken, 'kargo/freights', freightName, {
      verifiedIn: { beta: { verifiedAt: '2026-01-01T00:00:00Z' } },
    }),
    text: /evidence: verification/,
  },
  {
    row: 'A10',
    what: "verification forged through Kargo's API server",
    send: status(caller.kargoApi, 'kargo/freights', freightName, {
      verifiedIn: { beta: { verifiedAt: '2026-01-01T00:00:00Z' } },
    }),
    text: /evidence: verification is written/,
  },
  ...['beta', 'paper', 'live'].map(
    (stage): Attack => ({
      row: 'A11',
      what: `Freight approved for ${stage} around its evidence`,
      send: status(caller.kargoApi, 'kargo/freights', freightName, {
        approvedFor: { [stage]: { approvedAt: '2026-01-01T00:00:00Z' } },
      }),
      text: /evidence: Freight reaches a stage by way of the stages before it/,
    }),
  ),
  {
    what: 'the content of Freight changed',
    send: patch(caller.kargoApi, at('kargo/freights', freightName), {
      images: [{ repoURL: 'registry.example.org/app', tag: 'evil' }],
    }),
    text: /evidence: the content of Freight never changes/,
  },
  {
    what: 'the history of a Stage forged',
    send: status(caller.mallory, 'kargo/stages', 'beta', { freightSummary: 'mine' }),
    text: /evidence: verification and the state of stages/,
  },
  {
    what: 'the state of a Warehouse forged',
    send: status(caller.kargoApi, 'kargo/warehouses', 'images', { lastFreightID: 'mine' }),
    text: /evidence: verification and the state/,
  },
];

const role = (namespace: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'evil', namespace },
  rules: [{ apiGroups: ['kargo.akuity.io'], resources: ['promotions/status'], verbs: ['*'] }],
});
const binding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'evil', namespace: project },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'mallory' }],
};
const tokenSecret = (namespace: string, account: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/service-account-token',
  metadata: { name: `token-${account}`, namespace, annotations: { 'kubernetes.io/service-account.name': account } },
});
const configMap = (namespace: string, name = 'mine') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { key: 'value' },
});
const rights: Attack[] = [
  {
    row: 'A3',
    what: 'a role for oneself',
    send: post(caller.kargoAdminToken, at('rbac/roles'), role(project)),
    text: /rights: roles in a pipeline namespace are defined in Git/,
  },
  {
    row: 'A3',
    what: 'a binding for oneself',
    send: post(caller.kargoAdminToken, at('rbac/rolebindings'), binding),
    text: /rights:/,
  },
  {
    row: 'A3',
    what: "a role through Kargo's API server",
    send: post(caller.kargoApi, at('rbac/roles'), role(project)),
    text: /rights:/,
  },
  {
    row: 'A3',
    what: 'a role deleted',
    send: remove(caller.kargoAdminToken, at('rbac/roles', 'kargo-admin')),
    text: /rights:/,
  },
  {
    what: 'a role of Kargo given to oneself',
    send: patch(
      caller.kargoApi,
      at('serviceaccounts', 'approvers'),
      annotate({ 'rbac.kargo.akuity.io/claims': '{"email":["mallory@example.org"]}' }),
    ),
    text: /rights: who holds a role of the pipeline is defined in Git/,
  },
  {
    what: 'an account of the project that one may act as',
    send: post(caller.kargoAdminToken, at('serviceaccounts'), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: 'mine',
        namespace: project,
        annotations: { 'rbac.kargo.akuity.io/claims': '{"email":["mallory@example.org"]}' },
      },
    }),
    text: /rights: who holds a role/,
  },
  {
    row: 'A3',
    what: 'an API token of the project admin',
    send: post(caller.kargoApi, at('secrets'), tokenSecret(project, 'kargo-admin')),
    text: /tokens: API tokens exist for kargo-viewer and kargo-promoter/,
  },
  {
    row: 'A12',
    what: "an API token of Kargo's own admin",
    send: post(caller.kargoManagement, at('secrets', undefined, 'kargo'), tokenSecret('kargo', 'kargo-admin')),
    text: /tokens:/,
  },
  {
    row: 'A12',
    what: 'the same through the API server of Kargo',
    send: post(caller.kargoApi, at('secrets', undefined, 'kargo'), tokenSecret('kargo', 'kargo-viewer')),
    text: /tokens:|reach:/,
  },
  {
    what: 'a token of the Kargo controller',
    send: post(caller.mallory, `${at('serviceaccounts', 'kargo-controller', 'kargo')}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    }),
    text: /tokens: those of pipeline accounts/,
  },
  ...['argocd', 'kargo', 'kube-system', 'example-live', 'elsewhere'].map(
    (namespace): Attack => ({
      what: `a ConfigMap in ${namespace} through Kargo`,
      send: post(caller.kargoApi, at('configmaps', undefined, namespace), configMap(namespace)),
      text: /reach: through Kargo only|workloads:/,
    }),
  ),
  {
    what: 'a ConfigMap of Argo CD deleted through Kargo',
    send: remove(caller.kargoApi, at('configmaps', 'argocd-rbac-cm', 'argocd')),
    text: /reach:/,
  },
  {
    what: 'a Secret in argocd through Kargo',
    send: post(caller.kargoApi, at('secrets', undefined, 'argocd'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'repo', namespace: 'argocd' },
    }),
    text: /reach:/,
  },
  {
    what: "an account of Kargo's own namespace through Kargo",
    send: patch(
      caller.kargoApi,
      at('serviceaccounts', 'kargo-admin', 'kargo'),
      annotate({ 'rbac.kargo.akuity.io/claims': '{"email":["mallory@example.org"]}' }),
    ),
    text: /reach:/,
  },
  {
    what: 'a ClusterRoleBinding through Kargo',
    send: post(caller.kargoApi, address('rbac/clusterrolebindings'), {
      ...binding,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'evil' },
    }),
    text: /reach:/,
  },
  {
    what: 'a Role in another namespace through Kargo',
    send: post(caller.kargoApi, at('rbac/roles', undefined, 'argocd'), role('argocd')),
    text: /reach:/,
  },
  {
    row: 'D5',
    what: 'a live workload edited in the Argo CD dashboard',
    send: patch(caller.argoCdServer, at('configmaps', 'settings', 'example-live'), { data: { key: 'other' } }),
    text: /workloads: this namespace is behind the promotion gate/,
  },
  {
    row: 'D5',
    what: 'a live workload deleted in the Argo CD dashboard',
    send: remove(caller.argoCdServer, at('configmaps', 'settings', 'example-live')),
    text: /workloads:/,
  },
];

const app = (name: string) => at('argo/applications', name, 'argocd');
const handSync = { operation: { initiatedBy: { username: 'mallory' }, sync: { revisions: ['a'.repeat(40)] } } };
const deployments: Attack[] = [
  {
    row: 'A13',
    what: 'a gated Application synced by hand',
    send: patch(caller.argoCdServer, app('paper'), handSync),
    text: /application: it is synced by a promotion/,
  },
  {
    row: 'A13',
    what: 'a gated Application rolled back in the dashboard',
    send: patch(caller.argoCdServer, app('live'), { operation: { sync: { revision: 'old' } } }),
    text: /application: it is synced by a promotion/,
  },
  {
    row: 'A13',
    what: 'a gated Application synced with kubectl',
    send: patch(caller.clusterAdmin, app('live'), handSync),
    text: /application: it is synced by a promotion/,
  },
  {
    row: 'A13',
    what: 'a gated Application edited in the dashboard',
    send: patch(caller.argoCdServer, app('live'), { spec: { sources: [{ repoURL: 'http://evil.example/x' }] } }),
    text: /application: it is defined in Git\. Change/,
  },
  {
    what: 'parameters of a gated Application overridden',
    send: patch(caller.argoCdServer, app('live'), { spec: { syncPolicy: { automated: null } } }),
    text: /application: it is defined in Git/,
  },
  {
    row: 'A13',
    what: 'a second Application into a gated namespace',
    send: post(caller.argoCdServer, at('argo/applications', undefined, 'argocd'), application('zz', 'example-paper')),
    text: /application: it is defined in Git, where/,
  },
  {
    what: 'an Application of the default project',
    send: post(
      caller.argoCdServer,
      at('argo/applications', undefined, 'argocd'),
      application('zz', 'elsewhere', 'default'),
    ),
    text: /application: it is defined in Git, where/,
  },
  {
    what: 'an Application moved into a gated namespace',
    send: patch(caller.argoCdServer, app('beta'), { spec: { destination: { namespace: 'example-live' } } }),
    text: /application: it is defined in Git/,
  },
  {
    what: 'an Application moved out of its gated namespace',
    send: patch(caller.argoCdServer, app('live'), { spec: { destination: { namespace: 'elsewhere' } } }),
    text: /application: it is defined in Git/,
  },
  {
    what: 'a gated Application deleted in the dashboard',
    send: remove(caller.argoCdServer, app('live')),
    text: /application: it is defined in Git, where/,
  },
  {
    what: 'another stage allowed to sync',
    send: patch(caller.argoCdServer, app('live'), annotate({ 'kargo.akuity.io/authorized-stage': `${project}:beta` })),
    text: /application: the stage that may sync it/,
  },
  {
    what: 'the state of a gated Application forged',
    send: patch(caller.mallory, app('live'), { status: { health: { status: 'Healthy' } } }),
    text: /application: its state is written by Argo CD/,
  },
  {
    what: 'the root Application pointed elsewhere',
    send: patch(caller.argoCdServer, app('root'), {
      spec: { sources: [{ repoURL: 'http://evil.example/x', targetRevision: 'main' }] },
    }),
    text: /application: it is defined in Git/,
  },
  {
    what: "the root Application synced with manifests of one's own",
    send: patch(caller.argoCdServer, app('root'), { operation: { sync: { manifests: ['{}'] } } }),
    text: /application: it is synced/,
  },
  { what: 'the root Application deleted', send: remove(caller.argoCdServer, app('root')), text: /application:/ },
  {
    what: 'the Kargo controller moves an Application',
    send: patch(caller.kargoController, app('live'), { spec: { destination: { namespace: 'elsewhere' } } }),
    text: /application: it is defined in Git/,
  },
  {
    row: 'A13',
    what: 'a sync window removed',
    send: patch(caller.argoCdServer, at('argo/appprojects', 'example', 'argocd'), { spec: { syncWindows: null } }),
    text: /project: sync windows and destinations are defined in Git/,
  },
  {
    what: 'an AppProject deleted',
    send: remove(caller.argoCdServer, at('argo/appprojects', 'example', 'argocd')),
    text: /project:/,
  },
  {
    what: 'an AppProject created',
    send: post(caller.argoCdServer, at('argo/appprojects', undefined, 'argocd'), {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'mine', namespace: 'argocd' },
      spec: {},
    }),
    text: /project:/,
  },
];

const attacks = [...creations, ...changes, ...definition, ...evidence, ...rights, ...deployments];

beforeAll(async () => {
  plane = await startPlane({ crds: ['kargo', 'argo-cd'], controllers: false });
  await preparePipeline(plane);
  await plane.apply([
    configMap('argocd', 'argocd-rbac-cm'),
    configMap('example-live', 'settings'),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'kargo-admin', namespace: 'kargo' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'kargo-controller', namespace: 'kargo' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'approvers', namespace: project } },
    { ...role(project), metadata: { name: 'kargo-admin', namespace: project } },
  ]);
  // What is in the queue from the time before the window.
  for (const [name, stage, phases] of [
    ['paper.queued', 'paper', ['Pending']],
    ['beta.queued', 'beta', ['Pending']],
    ['canary.queued', 'canary', ['Pending']],
    ['beta.running', 'beta', ['Pending', 'Running']],
    ['beta.done', 'beta', ['Pending', 'Running', 'Succeeded']],
  ] as const) {
    await createPromotion(plane, caller.kargoApi, { name, stage, actor: alice, annotations: note });
    for (const phase of phases) {
      const answer = await patchStatus(plane, caller.kargoController, 'kargo/promotions', name, {
        phase,
        ...(phase === 'Running' ? { startedAt: now() } : {}),
      });
      if (answer.status !== 200) throw new Error(refusal(answer));
    }
  }
  await plane.apply(gateObjects(exampleGate(always)), { as: caller.setUp.as });
  for (const attack of attacks) {
    await until(`refused: ${attack.what}`, async () => {
      const { status: code } = await attack.send('?dryRun=All');
      return code >= 400 ? true : undefined;
    });
  }
});
afterAll(() => plane?.stop());

describe.each([
  ['asks for a promotion', creations],
  ['changes a promotion', changes],
  ['changes the pipeline', definition],
  ['forges evidence', evidence],
  ['takes rights', rights],
  ['goes past Kargo by way of Argo CD', deployments],
])('refused: whoever %s', (_, rows) => {
  test.each(
    rows.map((attack) => [attack.row === undefined ? attack.what : `${attack.row}: ${attack.what}`, attack] as const),
  )('%s', async (_name, attack) => {
    const answer = await attack.send('');
    expect(refusal(answer)).toMatch(attack.text);
    expect([403, 422]).toContain(answer.status);
  });
});

describe('the text of a justification', () => {
  const ask = (text: string) =>
    createPromotion(
      plane,
      caller.kargoApi,
      { stage: 'paper', actor: alice, annotations: { [gateAnnotation.breakGlass]: text } },
      true,
    );

  test.each(goodJustifications)('accepted: %s', async (_, text) => {
    expect(refusal(await ask(text))).toMatch(/^201 /);
  });

  test.each(badJustifications)('A5, refused: %s', async (_, text) => {
    expect(refusal(await ask(text))).toMatch(
      /^403 .*break-glass: the justification has to be one line of 15 to 500 visible/,
    );
  });
});

test('B: a status in the body of a creation is dropped, and PUT creates nothing', async () => {
  const name = 'beta.with-status';
  const answer = await createPromotion(plane, caller.kargoApi, {
    name,
    stage: 'beta',
    actor: alice,
    status: { phase: 'Succeeded' },
  });
  expect(answer.status).toBe(201);
  expect(answer.body.status).toBeUndefined();
  const put = await plane.request(
    'PUT',
    at('kargo/promotions', 'paper.put'),
    promotion({ name: 'paper.put', stage: 'paper', actor: alice }),
    caller.kargoApi,
  );
  expect([404, 405, 409, 422]).toContain(put.status);
  expect((await plane.request('GET', at('kargo/promotions', 'paper.put'))).status).toBe(404);
});

test('annotations that are sent through the status subresource are ignored', async () => {
  const target = address('kargo/promotions', { namespace: project, name: 'paper.queued', sub: 'status' });
  await plane.request(
    'PATCH',
    target,
    { ...annotate(breakGlass), status: { message: 'waits' } },
    { ...caller.kargoController, contentType: mergePatch },
  );
  const { body } = await plane.request('GET', queued);
  expect(body.metadata.annotations[gateAnnotation.breakGlass]).toBeUndefined();
  expect(body.metadata.annotations[gateAnnotation.note]).toBe('release 12');
});

describe('what has to work', () => {
  const accepted = async (answer: Promise<Answer>) => {
    const text = refusal(await answer);
    expect(text).toMatch(/^20[01] /);
  };
  /** The status writes of a normal promotion, in Kargo's order. */
  const carryOut = async (name: string) => {
    for (const value of [
      { phase: 'Pending' },
      { phase: 'Running', startedAt: now(), currentStep: 0 },
      { currentStep: 1, message: 'step 1', stepExecutionMetadata: [{ alias: 'step-1', status: 'Succeeded' }] },
      { phase: 'Succeeded', finishedAt: now() },
    ]) {
      await accepted(patchStatus(plane, caller.kargoController, 'kargo/promotions', name, value));
    }
  };

  test('a stage without a gate is promoted inside the window: by a person, a token, and automatically', async () => {
    await accepted(createPromotion(plane, caller.kargoApi, { name: 'beta.person', stage: 'beta', actor: alice }));
    await accepted(createPromotion(plane, caller.kargoApi, { stage: 'beta', actor: 'unknown actor' }));
    await accepted(createPromotion(plane, caller.kargoController, { stage: 'beta' }));
    await accepted(createPromotion(plane, caller.mallory, { stage: 'beta', actor: 'kubernetes:mallory' }));
    await carryOut('beta.person');
  });

  test('break-glass: one promotion is created, started and carried out inside the window; the next is refused', async () => {
    await accepted(
      createPromotion(plane, caller.kargoApi, {
        name: 'paper.emergency',
        stage: 'paper',
        actor: alice,
        annotations: breakGlass,
      }),
    );
    await carryOut('paper.emergency');
    const next = await createPromotion(plane, caller.kargoApi, { stage: 'paper', actor: alice });
    expect(refusal(next)).toMatch(/^403 .*blocked: paper/);
    const start = await patchStatus(plane, caller.kargoController, 'kargo/promotions', 'paper.queued', {
      phase: 'Running',
      startedAt: now(),
    });
    expect(refusal(start)).toMatch(/^403 .*blocked: paper/);
  });

  test('break-glass with a note on live, and for the rollback to older Freight', async () => {
    const annotations = { ...breakGlass, ...note, 'kargo.akuity.io/rollback': 'true' };
    await accepted(
      createPromotion(plane, caller.kargoApi, { name: 'live.rollback', stage: 'live', actor: alice, annotations }),
    );
    await carryOut('live.rollback');
  });

  test('a promotion that waits in front of an emergency is aborted through Kargo', async () => {
    await accepted(
      createPromotion(plane, caller.setUp, { name: 'live.waits', stage: 'live', actor: bob, annotations: note }),
    );
    await accepted(patchStatus(plane, caller.kargoController, 'kargo/promotions', 'live.waits', { phase: 'Pending' }));
    const waiting = at('kargo/promotions', 'live.waits');
    await accepted(
      patch(caller.kargoApi, waiting, annotate({ 'kargo.akuity.io/abort': '{"action":"terminate"}' }))(''),
    );
    await accepted(
      patchStatus(plane, caller.kargoController, 'kargo/promotions', 'live.waits', {
        phase: 'Aborted',
        finishedAt: now(),
      }),
    );
  });

  test('Kargo refreshes, verifies, aliases and cleans up', async () => {
    const refresh = annotate({ 'kargo.akuity.io/refresh': now() });
    await accepted(patch(caller.kargoApi, queued, refresh)(''));
    await accepted(patch(caller.kargoApi, paperStage, refresh)(''));
    await accepted(patch(caller.kargoApi, at('kargo/warehouses', 'images'), refresh)(''));
    await accepted(
      patch(caller.kargoController, paperStage, { metadata: { finalizers: ['kargo.akuity.io/finalizer'] } })(''),
    );
    await accepted(
      patchStatus(plane, caller.kargoController, 'kargo/stages', 'paper', { freightSummary: '1/1 Fulfilled' }),
    );
    await accepted(
      patchStatus(plane, caller.kargoController, 'kargo/freights', freightName, {
        verifiedIn: { beta: { verifiedAt: now() } },
      }),
    );
    await accepted(
      post(caller.kargoController, at('kargo/freights'), {
        ...freight,
        metadata: { name: 'd'.repeat(40), namespace: project },
      })(''),
    );
    await accepted(
      patch(caller.kargoApi, at('kargo/freights', freightName), {
        alias: 'new-name',
        metadata: { labels: { 'kargo.akuity.io/alias': 'new-name' } },
      })(''),
    );
    await accepted(remove(caller.kargoGarbageCollector, at('kargo/promotions', 'beta.done'))(''));
    await accepted(remove(caller.clusterGarbageCollector, at('kargo/promotions', 'beta.running'))('?dryRun=All'));
  });

  test('the controllers of Kargo and the cluster give rights; viewers and promoters have API tokens', async () => {
    await accepted(post(caller.kargoManagement, at('rbac/roles'), role(project))(''));
    await accepted(
      patch(caller.kargoManagement, address('kargo/projects', { name: project }), {
        metadata: { finalizers: ['kargo.akuity.io/finalizer'] },
      })('?dryRun=All'),
    );
    await accepted(post(caller.kargoApi, at('secrets'), tokenSecret(project, 'kargo-promoter'))(''));
    const claims = annotate({ 'rbac.kargo.akuity.io/claims': '{"email":["ada@example.org"]}' });
    await accepted(patch(caller.gitOps, at('serviceaccounts', 'approvers'), claims)(''));
    await accepted(patch(caller.mallory, at('serviceaccounts', 'approvers'), annotate({ other: 'thing' }))(''));
    await accepted(post(caller.kargoApi, at('configmaps'), configMap(project))(''));
    await accepted(
      post(caller.node, `${at('serviceaccounts', 'kargo-controller', 'kargo')}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      })('?dryRun=All'),
    );
  });

  test('Argo CD brings what stands in Git; Kargo starts a sync and resets its state', async () => {
    await accepted(
      patch(caller.gitOps, paperStage, {
        spec: { promotionTemplate: { spec: { steps: [{ uses: 'fail', config: { message: 'new' } }] } } },
      })(''),
    );
    await accepted(
      patch(caller.gitOps, app('live'), {
        status: { operationState: { phase: 'Succeeded', startedAt: now(), operation: {} } },
      })(''),
    );
    await accepted(
      patch(caller.kargoController, app('live'), {
        ...annotate({ 'argocd.argoproj.io/refresh': 'hard' }),
        operation: { sync: { revisions: [] } },
        status: { operationState: null },
      })(''),
    );
    await accepted(
      patch(caller.gitOps, app('live'), { operation: null, status: { health: { status: 'Healthy' } } })(''),
    );
    await accepted(patch(caller.argoCdServer, app('live'), annotate({ 'argocd.argoproj.io/refresh': 'normal' }))(''));
    await accepted(patch(caller.argoCdServer, app('beta'), handSync)(''));
    await accepted(
      patch(caller.gitOps, at('argo/appprojects', 'example', 'argocd'), { spec: { description: 'from Git' } })(''),
    );
    await accepted(
      patch(caller.gitOps, at('configmaps', 'settings', 'example-live'), { data: { key: 'from Git' } })(''),
    );
  });

  test('the set-up passes every guard: it restores annotations, states and stages, and takes them away', async () => {
    const name = 'live.restored';
    await accepted(createPromotion(plane, caller.setUp, { name, stage: 'live', actor: 'admin', annotations: note }));
    await accepted(patch(caller.setUp, at('kargo/promotions', name), annotate(breakGlass))(''));
    await accepted(
      patchStatus(plane, caller.setUp, 'kargo/promotions', name, {
        phase: 'Succeeded',
        startedAt: '2026-01-05T13:00:00Z',
      }),
    );
    await accepted(
      patchStatus(plane, caller.setUp, 'kargo/freights', freightName, { approvedFor: { live: { approvedAt: now() } } }),
    );
    await accepted(patch(caller.setUp, paperStage, evil)('?dryRun=All'));
    await accepted(patch(caller.setUp, app('live'), { operation: null, spec: { project: 'example' } })(''));
    await accepted(post(caller.setUp, at('rbac/rolebindings'), binding)('?dryRun=All'));
    await accepted(remove(caller.setUp, at('kargo/promotions', name))(''));
  });

  test('the rest of the cluster is not touched', async () => {
    await accepted(post(caller.mallory, at('configmaps', undefined, 'elsewhere'), configMap('elsewhere', 'free'))(''));
    await accepted(
      post(caller.mallory, at('configmaps', undefined, 'example-live'), configMap('example-live', 'free'))(''),
    );
    await accepted(
      post(caller.argoCdServer, at('argo/applications', undefined, 'argocd'), application('free', 'elsewhere'))(''),
    );
    await accepted(post(caller.mallory, at('rbac/roles', undefined, 'elsewhere'), role('elsewhere'))(''));
    await accepted(remove(caller.clusterAdmin, address('namespaces', { name: 'elsewhere' }))('?dryRun=All'));
  });
});

describe('who may change the policies is a matter of rights', () => {
  const policies = ['admission/validatingadmissionpolicies', 'admission/validatingadmissionpolicybindings'];

  beforeAll(async () => {
    // The rights that Kargo gives an administrator of a project, and those of its API server that reach furthest.
    await plane.apply([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'kargo-like' },
        rules: [
          { apiGroups: ['kargo.akuity.io'], resources: ['*'], verbs: ['*'] },
          { apiGroups: [''], resources: ['configmaps', 'secrets', 'serviceaccounts'], verbs: ['*'] },
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['*'] },
        ],
      } as never,
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'kargo-like' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'kargo-like' },
        subjects: ['kargo-api', 'kargo-admin'].map((name) => ({ kind: 'ServiceAccount', name, namespace: 'kargo' })),
      } as never,
    ]);
  });

  test.each(['system:serviceaccount:kargo:kargo-api', 'system:serviceaccount:kargo:kargo-admin', 'mallory'])(
    'policies and bindings are neither deleted nor changed by %s',
    async (as) => {
      for (const resource of policies) {
        const target = address(resource, { name: 'example-gate-create' });
        expect((await plane.request('DELETE', target, undefined, { as })).status).toBe(403);
        const change = await plane.request('PATCH', target, annotate({ x: 'y' }), { as, contentType: mergePatch });
        expect(change.status).toBe(403);
        expect((await plane.request('GET', target)).status).toBe(200);
      }
    },
  );

  test('they cannot give themselves that right either', async () => {
    const as = 'system:serviceaccount:kargo:kargo-admin';
    const grant = { ...binding, kind: 'ClusterRoleBinding', metadata: { name: 'evil' } };
    expect((await plane.request('POST', address('rbac/clusterrolebindings'), grant, { as })).status).toBe(403);
  });
});

describe('when the window opens', () => {
  /** A window on one day, three days away: open now, at any time of the test. */
  const open: PromotionWindow = {
    timeZone: 'UTC',
    days: [weekdays[(new Date().getUTCDay() + 2) % 7] ?? 'Mon'],
    from: '09:30',
    to: '16:00',
  };

  beforeAll(async () => {
    await plane.apply(gateObjects(exampleGate(open)), { as: caller.setUp.as });
    await until('the window is open', async () => {
      const answer = await createPromotion(plane, caller.kargoApi, { stage: 'paper', actor: alice }, true);
      return answer.status === 201 ? true : undefined;
    });
  });

  test('the queued promotion starts, and one more is accepted: by hand and automatically', async () => {
    const start = () =>
      patchStatus(plane, caller.kargoController, 'kargo/promotions', 'paper.queued', {
        phase: 'Running',
        startedAt: now(),
      });
    // The policies of creation and start are replaced one after the other.
    await until('the queued promotion starts', async () => ((await start()).status === 200 ? true : undefined));
    expect((await createPromotion(plane, caller.kargoApi, { stage: 'paper', actor: alice })).status).toBe(201);
    expect((await createPromotion(plane, caller.kargoController, { stage: 'paper' })).status).toBe(201);
  });

  test('live takes an approver with a note, and nobody else', async () => {
    const ask = (actor: string, annotations: Record<string, string> = note) =>
      createPromotion(plane, caller.kargoApi, { stage: 'live', actor, annotations });
    expect(refusal(await ask(bob))).toMatch(/^201 /);
    expect(refusal(await ask(bob, {}))).toMatch(/^403 .*note: a promotion to live needs a note/);
    expect(refusal(await ask(bob, { [gateAnnotation.note]: '\u200b\u200b\u200b\u200b' }))).toMatch(
      /^403 .*note: it has to be one line/,
    );
    expect(refusal(await ask('email:eve@example.org'))).toMatch(/^403 .*eve@example.org may not promote to live/);
    expect(refusal(await ask('admin'))).toMatch(/^403 .*admin names nobody/);
    expect(refusal(await ask('unknown actor'))).toMatch(/^403 .*unknown actor names nobody/);
    expect(refusal(await createPromotion(plane, caller.kargoController, { stage: 'live' }))).toMatch(
      /^403 .*(never automatically|needs a note)/,
    );
    expect(refusal(await createPromotion(plane, caller.kargoApi, { stage: 'canary', actor: alice }))).toMatch(
      /^403 .*disabled: stage canary/,
    );
  });
});
