import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EvidenceConfiguration } from '../../model/evidence.ts';
import { announce, built, type EvidenceInput, publish } from './evidence.ts';

/**
 * Makes evidence for promotions: `evidence.cjs pending` before anything else, `evidence.cjs built` when every image is
 * pushed, `evidence.cjs publish` after the integration test.
 */
async function main(command: string | undefined): Promise<number> {
  if (command === 'pending') {
    await announce(input());
    return 0;
  }
  if (command === 'built') {
    await built(input());
    return 0;
  }
  if (command === 'publish') {
    return (await publish(input())) ? 0 : 1;
  }
  console.error('usage: evidence.cjs pending|built|publish, in the root of the working copy');
  return 2;
}

function input(): EvidenceInput {
  const configuration = JSON.parse(
    readFileSync(path.join(path.dirname(process.argv[1] ?? ''), 'evidence.json'), 'utf8'),
  ) as EvidenceConfiguration;
  const commit = needed('COMMIT_SHA');
  const repository = needed('REPOSITORY');
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    throw new Error(`COMMIT_SHA "${commit}" is no commit`);
  }
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(repository)) {
    throw new Error(`REPOSITORY "${repository}" is not OWNER/NAME`);
  }
  const {
    REGISTRY_USERNAME: user,
    REGISTRY_PASSWORD: password,
    GITHUB_STEP_SUMMARY: summaryFile,
    GITHUB_OUTPUT: outputFile,
  } = process.env;
  return {
    configuration,
    folder: process.cwd(),
    commit,
    repository,
    runNumber: needed('RUN_NUMBER'),
    runUrl: needed('RUN_URL'),
    token: needed('FORGE_TOKEN'),
    registryLogin: user && password ? { user, password } : undefined,
    summaryFile: summaryFile || undefined,
    outputFile: outputFile || undefined,
    print: console.log,
  };
}

function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

main(process.argv[2]).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(`evidence: ${error.message}`);
    process.exitCode = 1;
  },
);
