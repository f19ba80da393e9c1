/** A sync that fails is tried again for some ten minutes: a web hook or a registry that restarts is back by then. */
export const retry = { limit: 5, backoff: { duration: '15s', factor: 2, maxDuration: '5m' } };
