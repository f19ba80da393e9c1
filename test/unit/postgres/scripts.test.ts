import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import backup from '../../../constructs/postgres/backup.sh';
import start from '../../../constructs/postgres/start.sh';
import { stop, until } from '../../support/processes.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

let folder: ShellFolder;
beforeEach(() => {
  folder = shellFolder();
});
afterEach(() => folder.remove());

describe('the nightly dump', () => {
  const directory = () => path.join(folder.path, 'backups');
  const dumps = () => readdirSync(directory()).sort();
  const dump = (keep = 3) => {
    writeFileSync(path.join(folder.path, 'password'), 's3cret\n');
    return folder.sh(backup, [], {
      BACKUP_DIRECTORY: directory(),
      KEEP: String(keep),
      PASSWORD_FILE: path.join(folder.path, 'password'),
      PGHOST: 'postgres',
      PGUSER: 'woodpecker',
      PGDATABASE: 'woodpecker',
    });
  };
  const dumpTo = 'f=$(echo "$*" | sed "s/.*--file=//")';

  beforeEach(() => {
    folder.standIn('pg_dump', `${dumpTo}; test "$PGPASSWORD" = s3cret && printf 'the dump' >"$f"`);
    folder.standIn('pg_restore', 'test -s "$2"');
  });

  test('has its final name only when it is complete, and only its owner can read it', async () => {
    expect(await dump()).toMatchObject({ code: 0 });
    const [name = '', ...others] = dumps();
    expect(others).toEqual([]);
    expect(name).toMatch(/^woodpecker-\d{8}T\d{6}Z\.dump$/);
    expect(readFileSync(path.join(directory(), name), 'utf8')).toBe('the dump');
    expect(statSync(path.join(directory(), name)).mode & 0o777).toBe(0o600);
  });

  test('the password never shows in the log', async () => {
    const { stdout, stderr } = await dump();
    expect(stdout + stderr).not.toContain('s3cret');
  });

  test.each([
    ['breaks off', 'pg_dump', `${dumpTo}; printf 'half' >"$f"; exit 1`],
    ['cannot be read back', 'pg_restore', 'exit 1'],
    ['does not reach the disk', 'sync', 'exit 1'],
  ])('a dump that %s leaves the older ones and nothing else', async (_, program, script) => {
    mkdirSync(directory());
    const old = ['woodpecker-20260101T000000Z.dump', 'woodpecker-20260102T000000Z.dump'];
    for (const name of old) writeFileSync(path.join(directory(), name), 'old');
    folder.standIn(program, script);
    expect((await dump(1)).code).not.toBe(0);
    expect(dumps()).toEqual(old);
  });

  test('the newest are kept, other databases and files are left alone, what a killed run left goes', async () => {
    mkdirSync(directory());
    const names = ['20260101', '20260102', '20260103'].map((day) => `woodpecker-${day}T021500Z.dump`);
    for (const name of [...names, 'other-20250101T021500Z.dump', 'notes.txt', '.partial-7.dump']) {
      writeFileSync(path.join(directory(), name), 'old');
    }
    expect(await dump(2)).toMatchObject({ code: 0 });
    const left = dumps();
    expect(left).toHaveLength(4);
    expect(left).toEqual(expect.arrayContaining(['notes.txt', 'other-20250101T021500Z.dump', names[2]]));
  });
});

describe('the start', () => {
  const lock = () => path.join(folder.path, '.lock');

  test('hands over to the server with its arguments', async () => {
    expect(await folder.sh(start, [lock(), 'echo', 'postgres', '-c', 'a b'])).toMatchObject({
      code: 0,
      stdout: 'postgres -c a b\n',
    });
  });

  test('waits for another server with the same data, gives up, and succeeds once that is gone', async () => {
    const script = path.join(folder.path, 'start.sh');
    writeFileSync(script, start);
    const first = spawn('sh', [script, lock(), 'sh', '-c', `touch ${folder.path}/running; exec sleep 600`]);
    try {
      await until('the first server runs', async () => (existsSync(`${folder.path}/running`) ? true : undefined));
      const second = await folder.sh(start, [lock(), 'echo', 'started'], { LOCK_WAIT_SECONDS: '0' });
      expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('another server uses') });
    } finally {
      await stop(first, 'SIGKILL');
    }
    expect(await folder.sh(start, [lock(), 'echo', 'started'], { LOCK_WAIT_SECONDS: '30' })).toMatchObject({
      code: 0,
      stdout: 'started\n',
    });
  });
});
