import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { textFileEndings } from './tools/text-files.mjs';

/** Imports of scripts and documents give their text, as in the bundle. */
const textFiles: Plugin = {
  name: 'text-files',
  enforce: 'pre',
  load(id) {
    const file = id.split('?')[0] ?? id;
    if (file.includes('/node_modules/') || !textFileEndings.some((ending) => file.endsWith(ending))) return undefined;
    return `export default ${JSON.stringify(readFileSync(file, 'utf8'))};`;
  },
};

/** Tests of real parts run one file after the other: they measure time and share two cores with what they start. */
const oneByOne = { fileParallelism: false, testTimeout: 180_000, hookTimeout: 180_000 };

export default defineConfig({
  plugins: [textFiles],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/compliance/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          // Loading cdk8s for each file takes longer than the tests; no test leaves anything behind for the next one.
          isolate: false,
          maxWorkers: '100%',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          ...oneByOne,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          ...oneByOne,
        },
      },
      {
        extends: true,
        test: {
          name: 'kill',
          include: ['test/kill/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          ...oneByOne,
          testTimeout: 3_600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          ...oneByOne,
          testTimeout: 900_000,
        },
      },
    ],
  },
});
