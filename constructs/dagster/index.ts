export * from './code-server.ts';
export * from './names.ts';
export * from './platform.ts';
export * from './tunnel.ts';
