export * from './integration-test-access.ts';
export { default as openSandboxScript } from './open-sandbox.sh';
export * from './sandbox.ts';
export * from './sweeper.ts';
