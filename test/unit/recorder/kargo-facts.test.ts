import { describe, expect, it } from 'vitest';
import {
  approvalFact,
  approvals,
  definitionDigest,
  promotionFacts,
  tagOf,
  verificationFacts,
} from '../../../runtime/recorder/kargo-facts.ts';
import { freight, promotion, stage, tag } from './objects.ts';

const annotations = { note: 'pipelines.celestium.life/note', breakGlass: 'pipelines.celestium.life/break-glass' };
const context = { annotations, stage: stage('paper', ['beta']), freight: freight('f1') };

describe('facts of a promotion', () => {
  it('tells who promoted what from where to where, when, with which note', () => {
    const [created] = promotionFacts(
      promotion('p1', 'Pending', { annotations: { [annotations.note]: 'release 12' } }),
      context,
    );
    expect(created).toEqual({
      type: 'promotion-created',
      key: 'promotion/stonks-pipeline/p1/created',
      at: '2026-11-20T21:00:00.000Z',
      project: 'stonks-pipeline',
      promotion: 'p1',
      uid: '',
      stage: 'paper',
      sourceStages: ['beta'],
      freight: 'f1',
      freightAlias: 'alias-f1',
      tag,
      images: [{ repository: 'registry/query-api', tag, digest: undefined }],
      actor: 'email:alice@example.org',
      automatic: false,
      note: 'release 12',
      breakGlass: undefined,
      rollback: undefined,
    });
  });

  it.each([
    ['Pending', ['promotion-created']],
    ['Running', ['promotion-created', 'promotion-started']],
    ['Succeeded', ['promotion-created', 'promotion-started', 'promotion-finished']],
    ['Failed', ['promotion-created', 'promotion-started', 'promotion-finished']],
    ['Errored', ['promotion-created', 'promotion-started', 'promotion-finished']],
    ['Aborted', ['promotion-created', 'promotion-started', 'promotion-aborted']],
  ])('gives every fact so far of a promotion that is %s', (phase, types) => {
    expect(promotionFacts(promotion('p1', phase), context).map((fact) => fact.type)).toEqual(types);
  });

  it('records break-glass before the start, with the justification in the promotion as well', () => {
    const facts = promotionFacts(
      promotion('p1', 'Running', { annotations: { [annotations.breakGlass]: 'prices are wrong, fix now' } }),
      context,
    );
    expect(facts.map((fact) => fact.type)).toEqual(['promotion-created', 'break-glass', 'promotion-started']);
    expect(facts[0]).toMatchObject({ breakGlass: 'prices are wrong, fix now' });
    expect(facts[1]).toMatchObject({
      justification: 'prices are wrong, fix now',
      actor: 'email:alice@example.org',
      stage: 'paper',
      tag,
    });
  });

  it('takes the one who aborted from the promotion itself, not from its maker', () => {
    const aborted = (abort: string) =>
      promotionFacts(promotion('p1', 'Aborted', { annotations: { 'kargo.akuity.io/abort': abort } }), context).at(-1);
    expect(aborted('{"action":"terminate","actor":"email:bob@example.org","controlPlane":true}')).toMatchObject({
      abortedBy: 'email:bob@example.org',
    });
    expect(aborted('terminate')).toMatchObject({ abortedBy: 'unknown' });
    expect(promotionFacts(promotion('p1', 'Aborted'), context).at(-1)).toMatchObject({ abortedBy: 'unknown' });
  });

  it('names Kargo itself for an automatic promotion', () => {
    const object = promotion('p1', 'Pending');
    const facts = promotionFacts({ ...object, metadata: { ...object.metadata, annotations: {} } }, context);
    expect(facts[0]).toMatchObject({ actor: 'automatic', automatic: true });
  });

  it('keeps the original time of a promotion that was restored into a new cluster', () => {
    const name = 'paper.01arz3ndektsv4rrffq69g5fav.abcdef1';
    const original = '2016-07-30T23:54:10.259Z';
    const [restored] = promotionFacts(promotion(name, 'Succeeded'), context);
    expect(restored?.at).toBe(original);
    const object = promotion(name, 'Pending');
    const fresh = { ...object, metadata: { ...object.metadata, creationTimestamp: '2016-07-30T23:54:11Z' } };
    expect(promotionFacts(fresh, context)[0]?.at).toBe('2016-07-30T23:54:11.000Z');
  });

  it('gives the same keys however often it looks, and more as time goes on', () => {
    const keys = (phase: string) => promotionFacts(promotion('p1', phase), context).map((fact) => fact.key);
    expect(keys('Succeeded').slice(0, 2)).toEqual(keys('Running'));
    expect(new Set(keys('Succeeded')).size).toBe(3);
  });

  it('describes a promotion whose Freight or stage is gone, from its own status', () => {
    const object = promotion('p1', 'Succeeded');
    const facts = promotionFacts(
      { ...object, status: { ...object.status, freight: { name: 'f1', images: [{ repoURL: 'r', tag: 'abc' }] } } },
      { annotations, stage: undefined, freight: undefined },
    );
    expect(facts[0]).toMatchObject({ tag: 'abc', sourceStages: [], images: [{ repository: 'r', tag: 'abc' }] });
  });

  it('cuts a text that is too long for a line, and says so', () => {
    const [created] = promotionFacts(
      promotion('p1', 'Pending', { annotations: { [annotations.note]: 'x'.repeat(300_000) } }),
      context,
    );
    expect((created as { note: string }).note).toMatch(/^x{4096}… \(300000 characters, cut\)$/);
  });
});

describe('facts of a Freight', () => {
  const seen = freight('f1', {
    verifiedIn: { beta: { verifiedAt: '2026-11-20T20:00:00Z' }, ci: {} },
    approvedFor: { live: { approvedAt: '2026-11-20T20:30:00Z' } },
  });

  it('gives the stages that it passed', () => {
    expect(verificationFacts(seen)).toEqual([
      {
        type: 'freight-verified',
        key: 'freight/stonks-pipeline/f1/verified/beta/2026-11-20T20:00:00.000Z',
        at: '2026-11-20T20:00:00.000Z',
        project: 'stonks-pipeline',
        freight: 'f1',
        tag,
        stage: 'beta',
      },
    ]);
  });

  it('gives the stages that it was approved for', () => {
    const [approval] = approvals(seen);
    expect(approvalFact(seen, approval!, 'email:carol@example.org')).toMatchObject({
      type: 'freight-approved',
      stage: 'live',
      at: '2026-11-20T20:30:00.000Z',
      actor: 'email:carol@example.org',
    });
  });

  it('has the tag of its images, all of them when they differ, else its commit', () => {
    expect(tagOf({ images: [{ tag: 'a' }, { tag: 'a' }] })).toBe('a');
    expect(tagOf({ images: [{ tag: 'a' }, { tag: 'b' }] })).toBe('a,b');
    expect(tagOf({ commits: [{ id: 'c0ffee' }] })).toBe('c0ffee');
    expect(tagOf(undefined)).toBe('');
  });
});

describe('digest of a definition', () => {
  it('changes with the spec and our annotations, and with nothing else', () => {
    const digest = (object: Parameters<typeof definitionDigest>[0]) =>
      definitionDigest(object, 'pipelines.celestium.life/');
    const one = stage('paper', ['beta'], {
      'kargo.akuity.io/description': 'Deploys.',
      'kargo.akuity.io/refresh': '1',
    });
    expect(digest({ ...one, status: { a: 1 } })).toBe(digest(one));
    expect(
      digest(stage('paper', ['beta'], { 'kargo.akuity.io/description': 'Deploys.', 'kargo.akuity.io/refresh': '2' })),
    ).toBe(digest(one));
    expect(digest(stage('paper', ['beta'], { 'kargo.akuity.io/description': 'Switched off.' }))).not.toBe(digest(one));
    expect(digest(stage('paper', ['ci'], { 'kargo.akuity.io/description': 'Deploys.' }))).not.toBe(digest(one));
  });
});
