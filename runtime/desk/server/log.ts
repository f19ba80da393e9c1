/** Structured logs: one JSON object per line. Callers pass facts by name; nothing of a request's headers or body goes in. */
export interface Log {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  const at =
    (level: string) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}) =>
      write(`${JSON.stringify({ at: now().toISOString(), level, message, ...facts })}\n`);
  return { info: at('info'), warn: at('warn') };
}
