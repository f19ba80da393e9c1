import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headOf } from '../../../model/audit/chain.ts';
import { auditFileName } from '../../../model/audit/verify.ts';
import { anchorLine } from '../../../runtime/recorder/anchors.ts';
import { fileOf, sampleChain } from '../audit/sample.ts';
import {
  alice,
  FakeKargo,
  gate,
  someFreight,
  somePromotion,
  someStage,
  tagOne,
  tagTwo,
  tokenOf,
} from './fake-kargo.ts';

const monday = '2026-11-23T10:00:00-05:00';
const saturday = '2026-11-21T12:00:00-05:00';
const note = 'pipelines.celestium.life/note';
const breakGlass = 'pipelines.celestium.life/break-glass';
const denied = (words: string) => ({
  status: 403,
  message: `create resource: promotions.kargo.akuity.io "desk-1" is forbidden: ValidatingAdmissionPolicy 'gate-promotion-create' with binding 'gate-promotion-create' denied request: ${words}`,
});

let kargo: FakeKargo;
beforeEach(async () => {
  kargo = await FakeKargo.start();
  kargo.stages = [
    someStage('ci', []),
    someStage('beta', ['ci']),
    someStage('paper', ['beta']),
    someStage('live', ['paper']),
  ];
  const passed = { verifiedIn: { ci: {}, beta: {}, paper: {} } };
  kargo.freight = [
    someFreight('f1', tagOne, { status: passed }),
    someFreight('f2', tagTwo, { status: { ...passed, currentlyIn: { beta: { since: '2026-11-20T21:30:00Z' } } } }),
  ];
});
afterEach(async () => {
  expect(kargo.unknown).toEqual([]);
  await kargo.stop();
});

describe('explain', () => {
  it('gives decision, rule and next change, without asking Kargo', async () => {
    const { code, out } = await gate(kargo, ['explain', '--stage', 'paper', '--at', monday]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'paper at Mon 2026-11-23 10:00 EST, asked by email:alice@example.org',
        '  refused',
        '  - blocked: paper takes no promotion during market hours 09:30-16:00 America/New_York, Mon-Fri. It opens in 6h00m. Promote then, or break glass with a justification in an emergency',
        '  next change: Mon 2026-11-23 16:00 EST (opens in 6h00m)',
        '',
      ].join('\n'),
    );
    expect(kargo.requests).toEqual([]);
  });

  it('reads a time without zone in the zone of the window, and crosses DST and the edges', async () => {
    const allowed = async (at: string) =>
      (await gate(kargo, ['explain', '--stage', 'paper', '--json', '--at', at])).json.allowed;
    expect(await allowed('2026-11-23T09:29:59')).toBe(true);
    expect(await allowed('2026-11-23T09:30:00')).toBe(false);
    expect(await allowed('2026-11-23T15:59:59')).toBe(false);
    expect(await allowed('2026-11-23T16:00:00')).toBe(true);
    expect(await allowed('2026-03-09T13:30:00Z')).toBe(false);
    expect(await allowed('2026-03-06T13:30:00Z')).toBe(true);
    expect(await allowed('2026-11-21T12:00')).toBe(true);
  });

  it('tells what break-glass, a note or another actor would change', async () => {
    const explain = async (...args: string[]) =>
      (await gate(kargo, ['explain', '--json', '--at', monday, ...args])).json;
    expect(await explain('--stage', 'paper', '--break-glass', 'prices are wrong, fix now')).toMatchObject({
      allowed: true,
      overridesWindow: true,
    });
    expect(await explain('--stage', 'paper', '--break-glass', 'short')).toMatchObject({
      allowed: false,
      refusals: [{ rule: 'break-glass' }],
    });
    expect(
      await explain('--stage', 'paper', '--break-glass', 'prices are wrong, fix now', '--actor', 'admin'),
    ).toMatchObject({ allowed: false, refusals: [{ rule: 'break-glass' }] });
    expect(await explain('--stage', 'live')).toMatchObject({ refusals: [{ rule: 'note' }, { rule: 'blocked' }] });
  });

  it('works without a log-in, and says whom it assumed', async () => {
    const { json } = await gate(kargo, ['explain', '--stage', 'live', '--json', '--note', 'release 12'], {
      env: { KARGO_API_TOKEN: undefined },
    });
    expect(json).toMatchObject({ actor: 'email:alice@example.org', actorAssumed: true, allowed: true });
  });

  it.each([
    [['explain', '--stage', 'nowhere'], 'there is no stage nowhere; there are ci, beta, paper, live'],
    [['explain', '--stage', 'paper', '--at', 'tomorrow'], '"tomorrow" is no time; write it like'],
    [['calendar', '--year', '27'], '"27" is no year; write it like 2027'],
    [['explain'], "required option '--stage <name>' not specified"],
    [['explode'], "unknown command 'explode'"],
  ])('refuses %j with words and exit code 2', async (args, words) => {
    const { code, err } = await gate(kargo, args);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });
});

describe('calendar', () => {
  it('lists every blocked span of the year once for stages of the same window', async () => {
    const { json } = await gate(kargo, ['calendar', '--year', '2027', '--json']);
    expect(json.windows).toHaveLength(1);
    expect(json.windows[0].stages).toEqual(['paper', 'live']);
    expect(json.windows[0].blocked).toHaveLength(261);
    const { out } = await gate(kargo, ['calendar', '--year', '2027', '--stage', 'paper']);
    expect(out).toContain('paper: 09:30-16:00 America/New_York, Mon-Fri, 2027: 261 times blocked\n');
    expect(out).toContain('Mon  2027-03-15  09:30  16:00  13:30-20:00\n');
    expect(out).toContain('Fri  2027-03-12  09:30  16:00  14:30-21:00\n');
  });

  it('takes the year that it is in the zone of the window', async () => {
    const { json } = await gate(kargo, ['calendar', '--json'], { at: '2027-01-01T02:00:00Z' });
    expect(json.year).toBe(2026);
  });

  it('says so when a stage has no window', async () => {
    const { code, err } = await gate(kargo, ['calendar', '--year', '2027', '--stage', 'beta']);
    expect([code, err]).toEqual([1, 'no window: beta can be promoted to at any time\n']);
  });
});

describe('status', () => {
  it('shows tag, since when, health, gate with time left, and what waits', async () => {
    kargo.stages[1] = someStage('beta', ['ci'], {
      status: {
        freightHistory: [
          { items: { 'Warehouse/stonks-images': { name: 'f2', images: [{ repoURL: 'r', tag: tagTwo }] } } },
        ],
        health: { status: 'Healthy' },
      },
    });
    kargo.promotions = [somePromotion('paper.01a', 'paper', 'Pending')];
    const { code, out } = await gate(kargo, ['status'], { at: monday });
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^STAGE +TAG +ALIAS +SINCE +HEALTH +GATE +WAITING$/);
    expect(lines[2]).toMatch(/^beta +2222222222aa +calm-f2 +Fri 2026-11-20 16:30 EST +Healthy +open$/);
    expect(lines[3]).toMatch(/^paper .* BLOCKED, opens in 6h00m +1$/);
    expect(lines[4]).toMatch(/^live .* BLOCKED, opens in 6h00m, note required$/);
    expect(out).toContain('paper: paper.01a is Pending (111111111111, email:bob@example.org)');
    const { json } = await gate(kargo, ['status', '--json'], { at: monday });
    expect(json.stages[1]).toMatchObject({ name: 'beta', tag: tagTwo, since: '2026-11-20T21:30:00Z' });
    expect(json.stages[2]).toMatchObject({
      gate: { window: { blocked: true, timeLeft: 'opens in 6h00m' } },
      queue: [{ promotion: 'paper.01a' }],
    });
  });

  it('says when a stage is switched off, and that its evidence is waived', async () => {
    const settings = kargo.settings({
      stages: [
        { name: 'ci', enabled: false, kind: 'ci', promotion: 'automatic' },
        { name: 'beta', enabled: true, kind: 'deploy', promotion: 'automatic' },
      ],
    });
    const { out } = await gate(kargo, ['status'], { settings });
    expect(out).toMatch(/^ci .* switched off$/m);
    expect(out).toContain('beta: evidence of ci is waived, it is switched off\n');
  });
});

describe('promote', () => {
  it('creates one annotated Promotion with the user token and says what became of it', async () => {
    const { code, out } = await gate(kargo, [
      'promote',
      '--stage',
      'live',
      '--freight',
      'f1',
      '--note',
      '  release\n 12 ',
    ]);
    expect([code, out]).toEqual([0, 'paper.01new1: live <- 111111111111 (calm-f1): Pending\n']);
    expect(kargo.created).toMatchObject([
      { metadata: { annotations: { [note]: 'release 12' } }, spec: { stage: 'live', freight: 'f1' } },
    ]);
    expect(Object.keys(kargo.created[0]!.metadata.annotations)).toEqual([note]);
  });

  it.each([
    ['--freight', 'calm-f2', 'f2'],
    ['--tag', tagTwo, 'f2'],
    ['--tag', '1111111', 'f1'],
  ])('finds the build by %s %s', async (option, value, expected) => {
    await gate(kargo, ['promote', '--stage', 'beta', option, value]);
    expect(kargo.created).toMatchObject([{ spec: { freight: expected } }]);
  });

  it.each([
    [
      ['--tag', 'deadbeef'],
      'Kargo has no Freight with the tag deadbeef. The newest: calm-f1 (111111111111), calm-f2 (2222222222aa)',
      1,
    ],
    [[], 'name the build with --freight or with --tag', 2],
    [['--freight', 'f1', '--tag', 'x'], 'name the build with --freight or with --tag', 2],
  ])('refuses a build that is not clear: %j', async (args, words, expected) => {
    const { code, err } = await gate(kargo, ['promote', '--stage', 'beta', ...args]);
    expect([code, err]).toEqual([expected, `${words}\n`]);
    expect(kargo.created).toEqual([]);
  });

  it('lists the builds when a tag fits more than one', async () => {
    kargo.freight.push(someFreight('f3', tagOne));
    const { err } = await gate(kargo, ['promote', '--stage', 'beta', '--tag', tagOne]);
    expect(err).toBe(
      `there is more than one Freight with the tag ${tagOne}: calm-f1, calm-f3. Name one with --freight\n`,
    );
  });

  it('tells in the window why and until when, exit code 3, and asks nobody', async () => {
    const { code, err } = await gate(kargo, ['promote', '--stage', 'paper', '--freight', 'f1'], { at: monday });
    expect(code).toBe(3);
    expect(err).toContain(
      'blocked: paper takes no promotion during market hours 09:30-16:00 America/New_York, Mon-Fri. It opens in 6h00m.',
    );
    expect(err).toContain('It opens at Mon 2026-11-23 16:00 EST.');
    expect(kargo.created).toEqual([]);
  });

  it('asks the API server all the same when told so: its clock decides', async () => {
    kargo.denial = denied('blocked: paper takes no promotion');
    const { code, err } = await gate(kargo, ['promote', '--stage', 'paper', '--freight', 'f1', '--ask-anyway'], {
      at: monday,
    });
    expect([code, err]).toEqual([3, 'blocked: paper takes no promotion\n']);
    kargo.denial = undefined;
    expect(
      (await gate(kargo, ['promote', '--stage', 'paper', '--freight', 'f1', '--ask-anyway'], { at: monday })).code,
    ).toBe(0);
  });

  it('asks for the note where the stage needs one and somebody is there', async () => {
    const args = ['promote', '--stage', 'live', '--freight', 'f1'];
    const { code, questions } = await gate(kargo, args, { answers: ['release 12'] });
    expect([code, questions]).toEqual([0, ['Note for live: ']]);
    expect(kargo.created).toMatchObject([{ metadata: { annotations: { [note]: 'release 12' } } }]);
    expect((await gate(kargo, args, { answers: [''] })).err).toContain('note: a promotion to live needs a note');
  });

  it('names every reason at once', async () => {
    const { err } = await gate(kargo, ['promote', '--stage', 'live', '--freight', 'f1'], { at: monday });
    expect(err).toMatch(/^note: a promotion to live needs a note.*\nblocked: live takes no promotion/);
  });

  it('says that a build has not come so far, and leaves the decision to Kargo', async () => {
    kargo.freight[0] = someFreight('f1', tagOne);
    kargo.denial = { status: 400, message: 'Freight "f1" is not available to Stage "paper"' };
    const { code, err } = await gate(kargo, ['promote', '--stage', 'paper', '--freight', 'f1']);
    expect(code).toBe(1);
    expect(err).toBe(
      'calm-f1 may not go to paper yet: it has not passed beta. Asking Kargo all the same.\nFreight "f1" is not available to Stage "paper"\n',
    );
  });

  it('waits for the end when told so', async () => {
    const phases = ['Running', 'Running', 'Failed'];
    const onSleep = () => {
      kargo.promotions = kargo.promotions.map((one) => ({
        ...one,
        status: { phase: phases.shift()!, message: 'sync failed\u001b[2J' },
      }));
    };
    const { code, out, err } = await gate(kargo, ['promote', '--stage', 'beta', '--freight', 'f1', '--wait'], {
      onSleep,
    });
    expect(code).toBe(1);
    expect(err).toBe('paper.01new1 is Pending\npaper.01new1 is Running\npaper.01new1 is Failed\n');
    expect(out).toBe('paper.01new1: beta <- 111111111111 (calm-f1): Failed: sync failed\\u001b[2J\n');
  });

  it('stops waiting after its time, and says that the promotion goes on', async () => {
    const { code, err } = await gate(kargo, [
      'promote',
      '--stage',
      'beta',
      '--freight',
      'f1',
      '--wait',
      '--timeout',
      '1',
    ]);
    expect(code).toBe(1);
    expect(err).toContain('paper.01new1 is still Pending after 1 minutes; it goes on without this command');
  });
});

describe('break-glass', () => {
  const args = ['break-glass', '--stage', 'paper', '--freight', 'f1'];
  const why = 'prices are wrong, fix now';

  it('shows what happens, asks for justification and the name of the stage, then promotes and clears the queue', async () => {
    kargo.promotions = [
      somePromotion('paper.01a', 'paper', 'Running'),
      somePromotion('paper.01b', 'paper', 'Pending'),
      somePromotion('paper.00z', 'paper', 'Succeeded'),
      somePromotion('live.01c', 'live', 'Pending'),
    ];
    const { code, err, questions } = await gate(kargo, args, { at: monday, answers: [why, 'paper'] });
    expect(code).toBe(0);
    expect(questions).toEqual([
      'Justification (goes into the audit log): ',
      'Type the name of the stage to break the glass: ',
    ]);
    expect(err).toBe(
      [
        'BREAK GLASS on paper (stonks-pipeline)',
        '  build:          111111111111 (calm-f1)',
        '  blocked:        market hours 09:30-16:00 America/New_York, Mon-Fri, opens in 6h00m',
        '  operator:       email:alice@example.org',
        '  justification:  prices are wrong, fix now',
        '  Recorded: operator, time, stage, tag, justification. It holds for this one promotion, which has to start within 30 minutes.',
        '  paper.01a is running and goes first (111111111111, email:bob@example.org)',
        '  paper.01b waits ahead (111111111111, email:bob@example.org) and will be ABORTED',
        'aborted paper.01b, which waited ahead',
        '',
      ].join('\n'),
    );
    expect(kargo.created).toMatchObject([{ metadata: { annotations: { [breakGlass]: why } } }]);
    expect(kargo.aborted).toEqual(['paper.01b']);
    // The new one exists before anything is taken away.
    const order = kargo.requests.filter((request) => request.startsWith('POST'));
    expect(order).toEqual([
      'POST /v1beta1/resources',
      'POST /v1beta1/projects/stonks-pipeline/promotions/paper.01b/abort',
    ]);
  });

  it.each([
    ['the name of another stage', [why, 'live']],
    ['yes', [why, 'yes']],
    ['nothing', [why, '']],
    ['the end of the input', [why, undefined]],
  ])('does nothing when confirmed with %s', async (_what, answers) => {
    const { code, err } = await gate(kargo, args, { at: monday, answers });
    expect(code).toBe(3);
    expect(err.toLowerCase()).toContain('nothing was done');
    expect(kargo.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });

  it('refuses a justification that is too short or invisible, before asking for confirmation', async () => {
    for (const bad of ['too short', '\u3164'.repeat(20), '. . . . . . . . . . .']) {
      const { code, err, questions } = await gate(kargo, args, { at: monday, answers: [bad, 'paper'] });
      expect(code).toBe(3);
      expect(err).toContain('break-glass: the justification has to be one line of 15 to 500 visible characters');
      expect(questions).toHaveLength(1);
    }
  });

  it('runs in a script with everything on the command line, and only then', async () => {
    const script = await gate(kargo, [...args, '--justification', why, '--confirm', 'paper', '--json'], { at: monday });
    expect(script.code).toBe(0);
    expect(script.json).toMatchObject({ stage: 'paper', tag: tagOne, justification: why, aborted: [], warnings: [] });
    expect((await gate(kargo, [...args, '--justification', why], { at: monday })).err).toContain(
      '--confirm is missing, and nobody can be asked here',
    );
    expect((await gate(kargo, [...args, '--confirm', 'paper'], { at: monday })).code).toBe(2);
    expect(kargo.created).toHaveLength(1);
  });

  it('asks for the note as well where the stage needs one', async () => {
    const { code, questions } = await gate(kargo, ['break-glass', '--stage', 'live', '--freight', 'f1'], {
      at: monday,
      answers: [why, 'hotfix 7', 'live'],
    });
    expect(code).toBe(0);
    expect(questions[1]).toBe('Note for live: ');
    expect(kargo.created[0]?.metadata.annotations).toEqual({ [breakGlass]: why, [note]: 'hotfix 7' });
  });

  it('is not for an open window, for a person who may not, or for a stage without a window', async () => {
    expect((await gate(kargo, args, { at: saturday, answers: [why, 'paper'] })).err).toContain(
      'the window of paper is open (closes in 1d21h30m): there is no glass to break. Use promote',
    );
    kargo.token = tokenOf({ sub: '43', email: 'bob@example.org' });
    const bob = await gate(kargo, args, { at: monday, answers: [why, 'paper'], env: { KARGO_API_TOKEN: kargo.token } });
    expect([bob.code, bob.err]).toEqual([
      3,
      'break-glass: email:bob@example.org may not override the promotion window of paper. Ask one of email:alice@example.org\n',
    ]);
    kargo.token = alice;
    expect(
      (await gate(kargo, ['break-glass', '--stage', 'beta', '--freight', 'f1'], { at: monday, answers: [why] })).err,
    ).toContain('beta has no promotion window to override');
    expect(kargo.created).toEqual([]);
  });

  it('aborts nothing when the gate refuses, and says which one it could not abort', async () => {
    kargo.promotions = [somePromotion('paper.01b', 'paper', 'Pending')];
    kargo.denial = denied('break-glass: email:alice@example.org may not');
    const refused = await gate(kargo, args, { at: monday, answers: [why, 'paper'] });
    expect([refused.code, kargo.aborted]).toEqual([3, []]);
    kargo.denial = undefined;
    kargo.abortDenial = 'not permitted to patch promotions';
    const { code, err } = await gate(kargo, args, { at: monday, answers: [why, 'paper'] });
    expect(code).toBe(0);
    expect(err).toContain('paper.01b was not aborted and goes first: not permitted to patch promotions');
  });
});

describe('history', () => {
  const entry = (id: string, more: object = {}) => ({
    id,
    project: 'p',
    stage: 'paper',
    sourceStages: ['beta'],
    freight: 'f1',
    tag: tagOne,
    images: [],
    actor: 'email:alice@example.org',
    automatic: false,
    createdAt: '2026-11-23T15:00:00.000Z',
    result: 'Succeeded',
    records: [1, 2],
    ...more,
  });

  it('shows every audit field of the desk, newest first', async () => {
    kargo.desk = (url) => {
      expect(url.pathname).toBe('/desk/api/history');
      return {
        status: 200,
        body: {
          source: 'audit',
          total: 40,
          offset: 0,
          entries: [
            entry('a', { breakGlass: 'prices are wrong', note: 'hotfix' }),
            entry('b', { result: 'Denied', message: 'blocked\u001b[31m' }),
          ],
        },
      };
    };
    const { code, out } = await gate(kargo, ['history', '--stage', 'paper', '--limit', '2']);
    expect(code).toBe(0);
    expect(out).toMatch(/^CREATED +STAGE +FROM +TAG +OPERATOR +RESULT +NOTES$/m);
    expect(out).toContain(
      'Mon 2026-11-23 10:00 EST  paper  beta  111111111111  email:alice@example.org  Succeeded  BREAK-GLASS: prices are wrong | hotfix\n',
    );
    expect(out).toContain('Denied     blocked\\u001b[31m\n');
    expect(out).toContain('2 of 40; --limit shows more\n');
    expect((await gate(kargo, ['history', '--limit', '2', '--csv'])).out.split('\r\n')).toHaveLength(4);
  });

  it('passes its filters on and reads as many pages as it needs', async () => {
    const queries: URLSearchParams[] = [];
    kargo.desk = (url) => {
      queries.push(url.searchParams);
      const offset = Number(url.searchParams.get('offset'));
      const count = Math.min(Number(url.searchParams.get('limit')), 700 - offset);
      return {
        status: 200,
        body: {
          source: 'audit',
          total: 700,
          offset,
          entries: Array.from({ length: count }, (_, index) => entry(`p${offset + index}`)),
        },
      };
    };
    const { json } = await gate(kargo, [
      'history',
      '--json',
      '--limit',
      '9999',
      '--break-glass',
      '--result',
      'failed',
      '--text',
      'fix',
      '--from',
      '2026-11-23T09:30',
    ]);
    expect(json.entries).toHaveLength(700);
    expect(queries.map((query) => query.get('offset'))).toEqual(['0', '500']);
    expect(Object.fromEntries(queries[0]!)).toEqual({
      breakGlass: 'true',
      result: 'Failed',
      text: 'fix',
      from: '2026-11-23T14:30:00.000Z',
      offset: '0',
      limit: '500',
    });
  });

  it('falls back to what Kargo still has in a system without a desk, and says so', async () => {
    kargo.promotions = [somePromotion('paper.01a', 'paper', 'Succeeded', { [note]: 'release 12' })];
    const { code, out, err } = await gate(kargo, ['history'], { settings: kargo.settings({ deskUrl: undefined }) });
    expect(code).toBe(0);
    expect(err).toBe('This is what Kargo still has, not the audit log.\n');
    expect(out).toMatch(/paper +beta +111111111111 +email:bob@example.org +Succeeded +release 12/);
  });
});

describe('verify', () => {
  const chain = sampleChain(20);
  function log(lines: readonly string[] = chain.lines): string {
    const folder = path.join(kargo.folder, `log-${Math.random()}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, auditFileName(1)), fileOf(lines));
    return folder;
  }
  function anchors(): string {
    const folder = path.join(kargo.folder, `clone-${Math.random()}`);
    mkdirSync(path.join(folder, 'heads'), { recursive: true });
    writeFileSync(
      path.join(folder, 'heads', '2026-11.jsonl'),
      anchorLine({ ...headOf(chain.records[14]!), at: '2026-11-20T12:00:00.000Z' }),
    );
    return folder;
  }

  it('checks the files of a volume itself, against anchors from a clone', async () => {
    const { code, out } = await gate(kargo, ['verify', '--files', log(), '--anchors', anchors()]);
    expect(code).toBe(0);
    expect(out).toContain(
      'The audit log is whole: 20 records in 1 files, 1 anchors compared, the newest at record 15 (Fri 2026-11-20 12:00 UTC)\n',
    );
    expect(kargo.requests).toEqual([]);
  });

  it.each([
    [
      'changed',
      chain.lines.with(3, chain.lines[3]!.replace('alice', 'mallo')),
      'audit-000000000001.jsonl:4 (record 4) altered',
    ],
    ['removed', chain.lines.toSpliced(3, 1), '(record 4) removed: record 4 is missing'],
    ['inserted', chain.lines.toSpliced(3, 0, chain.lines[1]!), '(record 2) inserted'],
    ['reordered', chain.lines.with(3, chain.lines[4]!).with(4, chain.lines[3]!), '(record 4) reordered'],
    ['cut', chain.lines.slice(0, 10), '(record 15) truncated'],
  ])('ends with exit code 1 and names the line that was %s', async (_what, lines, words) => {
    const { code, out } = await gate(kargo, ['verify', '--files', log(lines), '--anchors', anchors()]);
    expect(code).toBe(1);
    expect(out).toContain('THE AUDIT LOG IS NOT WHOLE');
    expect(out).toContain(words);
  });

  it('warns without anchors, and proves nothing with an empty folder', async () => {
    expect((await gate(kargo, ['verify', '--files', log()])).err).toContain('No anchor was compared');
    const empty = path.join(kargo.folder, 'empty');
    mkdirSync(empty);
    expect(await gate(kargo, ['verify', '--files', empty])).toMatchObject({
      code: 1,
      err: `${empty} holds no file of an audit log\n`,
    });
    expect((await gate(kargo, ['verify', '--files', '/nowhere'])).err).toBe('/nowhere cannot be read (ENOENT)\n');
  });

  it('asks the desk otherwise', async () => {
    kargo.desk = () => ({
      status: 200,
      body: {
        valid: false,
        records: 3,
        files: 1,
        head: { seq: 3, hash: 'x' },
        anchors: { checked: 1 },
        problems: [{ kind: 'altered', file: 'a', line: 2, seq: 2, problem: 'changed' }],
        problemCount: 1,
      },
    });
    const { code, json } = await gate(kargo, ['verify', '--json']);
    expect(code).toBe(1);
    expect(json.problems).toEqual(['a:2 (record 2) altered: changed']);
  });
});

describe('errors', () => {
  it('say how to log in', async () => {
    const hint = `Run: kargo login ${kargo.url} --sso`;
    for (const command of ['status', 'history', 'verify'])
      expect((await gate(kargo, [command], { env: { KARGO_API_TOKEN: undefined } })).err).toMatch(
        /^not logged in to Kargo\. Run: kargo login /,
      );
    const expired = tokenOf({ email: 'alice@example.org', exp: 1_000_000_000 });
    expect((await gate(kargo, ['status'], { env: { KARGO_API_TOKEN: expired } })).err).toBe(
      `the log-in to Kargo has expired (2001-09-09T01:46:40.000Z). ${hint}\n`,
    );
    const other = tokenOf({ email: 'mallory@example.org' });
    expect((await gate(kargo, ['status'], { env: { KARGO_API_TOKEN: other } })).err).toBe(
      `Kargo does not accept the log-in: invalid token. ${hint}\n`,
    );
    expect((await gate(kargo, ['verify'], { env: { KARGO_API_TOKEN: other } })).err).toContain(hint);
  });

  it("take the token from a file or from Kargo's own log-in, for this very server only", async () => {
    const env = { KARGO_API_TOKEN: undefined };
    const file = path.join(kargo.folder, 'token');
    writeFileSync(file, `${alice}\n`);
    expect((await gate(kargo, ['status', '--token-file', file], { env })).code).toBe(0);
    expect((await gate(kargo, ['status', '--token-file', '/nowhere'], { env })).err).toBe(
      '/nowhere: the token cannot be read (ENOENT)\n',
    );
    mkdirSync(path.join(kargo.folder, '.config/kargo'), { recursive: true });
    const config = (address: string) =>
      writeFileSync(path.join(kargo.folder, '.config/kargo/config'), `apiAddress: ${address}\nbearerToken: ${alice}\n`);
    config(`${kargo.url}/`);
    expect((await gate(kargo, ['status'], { env })).code).toBe(0);
    config('https://elsewhere.example.org');
    expect((await gate(kargo, ['status'], { env })).code).toBe(1);
  });

  it('never show the token', async () => {
    const secret = tokenOf({ email: 'alice@example.org', nonce: 'very-secret' });
    for (const args of [['status'], ['verify'], ['history'], ['promote', '--stage', 'beta', '--freight', 'f1']]) {
      const { out, err } = await gate(kargo, [...args, '--json'], { env: { KARGO_API_TOKEN: secret } });
      expect(out + err).not.toContain(secret.split('.')[1]);
    }
    expect((await gate(kargo, ['status'], { env: { KARGO_API_TOKEN: 'bad\ntoken' } })).err).toBe(
      'the token holds characters that no token has; log in again\n',
    );
  });

  it('say that Kargo or the desk is away', async () => {
    const settings = kargo.settings({ kargoUrl: 'http://127.0.0.1:1', deskUrl: 'http://127.0.0.1:1/desk' });
    expect((await gate(kargo, ['status'], { settings })).err).toMatch(/^Kargo does not answer \(.*\)\.\n$/);
    expect(await gate(kargo, ['verify', '--json'], { settings })).toMatchObject({
      code: 1,
      json: { error: expect.stringMatching(/^the promotion desk does not answer/) },
    });
  });

  it('say what is wrong with the settings, all at once', async () => {
    const settings = kargo.settings({ project: 'Bad_Name', kargoUrl: 'nowhere' });
    const { code, err } = await gate(kargo, ['status'], { settings });
    expect(code).toBe(1);
    expect(err).toContain('2 problems');
    expect((await gate(kargo, ['status', '--settings', '/nowhere.json'], { settings: '/nowhere.json' })).err).toContain(
      '/nowhere.json cannot be read',
    );
  });

  it('are JSON with --json, those of the command line itself too', async () => {
    for (const [args, error] of [
      [['explain', '--json'], "required option '--stage <name>' not specified"],
      [['calendar', '--json', '--yaer', '2027'], "unknown option '--yaer'\n(Did you mean --year?)"],
      [['calendar', '--json', '--year', '27'], '"27" is no year; write it like 2027'],
    ] as const)
      expect(await gate(kargo, args)).toMatchObject({ code: 2, err: '', json: { error } });
  });

  it('are not the help', async () => {
    const { code, out } = await gate(kargo, ['--help']);
    expect(code).toBe(0);
    for (const command of ['status', 'promote', 'break-glass', 'history', 'verify', 'explain', 'calendar'])
      expect(out).toContain(command);
  });
});
