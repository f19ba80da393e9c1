import { describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { Postgres, type PostgresProps } from '../../../constructs/postgres/index.ts';
import { podSpecsOf, referencesOf } from '../../support/references.ts';
import { objectNamed, objectsIn } from '../../support/rendered.ts';

const props: PostgresProps = {
  name: 'demo-postgres',
  image: { repository: 'docker.io/library/postgres', tag: '16.6-bookworm' },
  major: 16,
  database: 'demo',
  user: 'demo-user',
  claimName: 'demo-data',
  clients: [{ app: 'server' }],
};

function build(change: Partial<PostgresProps> = {}) {
  const output = new SystemOutput('demo');
  const postgres = new Postgres(output.chart('database', { namespace: 'ci' }), 'Database', { ...props, ...change });
  return { postgres, files: output.files() };
}

// biome-ignore lint/suspicious/noExplicitAny: rendered workloads
const specOf = (files: ReturnType<typeof build>['files'], kind: string, name: string): any =>
  objectNamed(files, kind, name, 'ci').spec;

describe('PostgreSQL', () => {
  const { postgres, files } = build();
  const server = specOf(files, 'StatefulSet', 'demo-postgres');
  const [container] = server.template.spec.containers;

  test('is one server, started under the lock of its volume', () => {
    expect(server.replicas).toBe(1);
    expect(container.command.slice(1, 3)).toEqual(['/scripts/start.sh', '/var/lib/postgresql/data/.lock']);
    expect(container.command.slice(3)).toEqual(['docker-entrypoint.sh', 'postgres']);
  });

  test('keeps its data in a folder of the major version below the mounted volume', () => {
    expect(container.env).toContainEqual({ name: 'PGDATA', value: '/var/lib/postgresql/data/pg16' });
    expect(container.volumeMounts).toContainEqual({ name: 'data', mountPath: '/var/lib/postgresql/data' });
    expect(server.template.spec.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'demo-data' },
    });
  });

  test('refuses an image of another major version, also one that only begins alike', () => {
    expect(() => build({ major: 17 })).toThrow(/is not of PostgreSQL 17/);
    expect(() => build({ image: { ...props.image, tag: '160.1' } })).toThrow(/is not of PostgreSQL 16/);
  });

  test('reads its password from a file, from a Secret that is made once', () => {
    expect(postgres.passwordSecret).toMatchObject({
      namespace: 'ci',
      name: 'demo-postgres',
      keys: ['password'],
      provenance: 'generated',
    });
    expect(JSON.stringify(files)).not.toContain('"name":"POSTGRES_PASSWORD"');
    expect(container.env).toContainEqual({ name: 'POSTGRES_PASSWORD_FILE', value: '/run/secrets/postgres/password' });
  });

  test.each([
    ['the usual user', {}, 999, 999],
    ['a user of the settings', { uid: 1026, gid: 100 }, 1026, 100],
  ])('runs server and dump restricted, as %s', (_, change, uid, gid) => {
    const pods = objectsIn(build(change).files).flatMap(podSpecsOf);
    expect(pods).toHaveLength(2);
    for (const pod of pods) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: uid,
          runAsGroup: gid,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            resources: { requests: { cpu: expect.anything() }, limits: { memory: expect.anything() } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      });
    }
  });

  test('is dumped nightly into the same volume, never twice at a time', () => {
    const backup = specOf(
      build({ backup: { schedule: '5 1 * * *', keep: 30 } }).files,
      'CronJob',
      'demo-postgres-backup',
    );
    expect(backup).toMatchObject({ schedule: '5 1 * * *', timeZone: 'Etc/UTC', concurrencyPolicy: 'Forbid' });
    const [dump] = backup.jobTemplate.spec.template.spec.containers;
    expect(dump.env).toContainEqual({ name: 'BACKUP_DIRECTORY', value: '/var/lib/postgresql/data/backups' });
    expect(dump.env).toContainEqual({ name: 'KEEP', value: '30' });
  });

  test('lets in its clients and the dump, and nobody else', () => {
    expect(specOf(files, 'NetworkPolicy', 'demo-postgres').ingress).toEqual([
      {
        from: [
          { podSelector: { matchLabels: { app: 'server' } } },
          { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'demo-postgres-backup' } } },
        ],
        ports: [{ port: 5432, protocol: 'TCP' }],
      },
    ]);
  });

  test('names only objects that it makes, besides its claim and its Secret', () => {
    const made = new Set(objectsIn(files).map((object) => `${object.kind}/${object.metadata.name}`));
    const missing = objectsIn(files)
      .flatMap(referencesOf)
      .map((reference) => `${reference.kind}/${reference.name}`)
      .filter((name) => !made.has(name));
    expect([...new Set(missing)].sort()).toEqual(['PersistentVolumeClaim/demo-data', 'Secret/demo-postgres']);
  });
});
