/** The one database, for the server that makes it and for everybody who connects. */
export const dagsterDatabase = {
  name: 'dagster',
  user: 'dagster',
  postgres: 'dagster-postgres',
  pool: 'dagster-pool',
} as const;

/** Ports of Dagster. */
export const dagsterPort = {
  /** The web server, inside its pod and for the exporter. */
  web: 3000,
  /** The log-in in front of it. */
  login: 4180,
  /** A code server, inside its pod. */
  code: 4000,
  /** A code server's way in: TLS, and both sides show a certificate. */
  codeTls: 4443,
  /** The first of the local ends of the ways to code servers. */
  firstTunnel: 4101,
  metrics: 9100,
} as const;

/** Names on certificates. */
export const dagsterPeer = { platform: 'dagster-platform' } as const;

/** Issuer of the namespace's own certificates. */
export const dagsterIssuer = 'dagster-peers';

/** Account that runs of pipelines have. */
export const dagsterRunAccount = 'dagster-run';

/** Labels of the pods that reach code servers. */
export const dagsterClientLabel = { 'dagster-code-client': 'true' } as const;

/** User that Dagster's containers run as. */
export const dagsterUser = 1000;
