import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import type { Migration } from '../../model/migration.ts';
import { applyChanges, currentBranch, diffOf } from './apply.ts';
import { missingFiles } from './check.ts';
import { planMigration } from './plan.ts';
import { Checkout } from './repository.ts';

interface Options {
  readonly repo: string;
  readonly system: string;
  readonly dist: string;
}

const program = new Command('app').description("brings the rendered files into the application's own repository");

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--repo <path>', "checkout of the application's repository")
    .option('--system <name>', 'system whose files are used', 'stonks-oracle')
    .option('--dist <path>', 'folder with the rendered systems', 'dist');
}

command('migrate', 'shows what would change in the checkout; with --write, changes it')
  .option('--write', 'change the files')
  .action(({ write, ...options }: Options & { readonly write?: boolean }) => {
    const checkout = new Checkout(options.repo);
    const { migration, folder } = rendered(options);
    const changes = planMigration(checkout, migration, folder);
    if (changes.length === 0) {
      console.log('Nothing to do: the checkout has everything already.');
      return;
    }
    const uncommitted = checkout.uncommitted();
    if (uncommitted.length > 0) {
      throw new Error(
        `${checkout.root} has changes that are not committed; commit or discard them first:\n${uncommitted.join('\n')}`,
      );
    }
    if (write !== true) {
      process.stdout.write(diffOf(changes));
      console.log(`\n${changes.length} files would change. Run it again with --write to change them.`);
      return;
    }
    applyChanges(checkout, changes);
    for (const { path: file, before, after } of changes) {
      console.log(`${before === undefined ? 'new    ' : after === undefined ? 'removed' : 'changed'} ${file}`);
    }
    console.log(`\nLook at them with "git diff", then commit and push branch ${currentBranch(checkout)}.`);
  });

command('check', 'says what the pipeline needs and the checkout does not have').action((options: Options) => {
  const { migration } = rendered(options);
  const missing = missingFiles(new Checkout(options.repo), migration);
  if (missing.length > 0) {
    throw new Error(`the pipeline would fail:\n${missing.map((problem) => `- ${problem}`).join('\n')}`);
  }
  console.log(`All ${migration.expects.length} files and folders that the pipeline needs are there.`);
});

function rendered({ dist, system }: Options): { readonly migration: Migration; readonly folder: string } {
  const folder = path.resolve(dist, system);
  const file = path.join(folder, 'migration.json');
  if (!existsSync(file)) {
    throw new Error(
      `${file} does not exist: is "${system}" a system with a repository of its own, and is it rendered?`,
    );
  }
  return { migration: JSON.parse(readFileSync(file, 'utf8')) as Migration, folder };
}

try {
  program.parse();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
