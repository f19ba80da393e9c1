import { z } from 'zod';

/** The pieces that settings schemas are made of. Each message says what is wrong, then, after "; ", what to do. */

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Whether a text can name a namespace, a stage or an object whose name is a DNS label (RFC 1123). */
export function isDnsLabel(text: string): boolean {
  return label.test(text);
}

/** The name of a namespace, Service, Stage and the like. */
export const dnsLabel = z.string().refine(isDnsLabel, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no DNS label; use lower-case letters, digits and "-", 63 at most`,
});

/** A fully qualified host name, without scheme or port. */
export const hostName = z
  .string()
  .refine((text) => text.length <= 253 && text.includes('.') && text.split('.').every(isDnsLabel), {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no host name; write it like stonks-ci.celestium.life, without scheme`,
  });

/** An IPv4 address. */
export const ipv4 = z.ipv4({
  error: (issue) => `${JSON.stringify(issue.input)} is no IPv4 address; write it like 10.1.1.12`,
});

/** An IPv4 range in CIDR notation whose host bits are zero. */
export const cidr = z.string().refine(isNetwork, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no IPv4 range; write it like 10.42.0.0/16, with the host bits zero`,
});

function isNetwork(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return false;
  const [bits, ...octets] = [Number(match[5]), ...match.slice(1, 5).map(Number)];
  if (bits === undefined || bits > 32 || octets.some((octet) => octet > 255)) return false;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return address % 2 ** (32 - bits) === 0;
}

/** An absolute path without "." or ".." parts, doubled or trailing slashes. */
export const absolutePath = z.string().regex(/^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no plain absolute path; write it like /volume1/Kubernetes/pipelines`,
});

/** A TCP port. */
export const portNumber = z
  .int()
  .min(1, 'a port is 1 to 65535; correct it')
  .max(65535, 'a port is 1 to 65535; correct it');

/** An http or https address without a trailing slash, query or credentials. */
export const httpUrl = z.string().refine(isPlainUrl, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no plain http(s) address; write it like http://10.1.1.12:30300, without trailing slash or user name`,
});

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^https?:$/.test(url.protocol) && !text.endsWith('/') && url.search === '' && url.hash === '' && url.username === ''
  );
}

/** An https address of a Git repository. */
export const httpsRepository = z.url({
  protocol: /^https$/,
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no https address of a repository; write it like https://github.com/owner/name.git`,
});

/** A number of bytes as Kubernetes writes it, for example `512Mi`. */
export const byteQuantity = z.string().regex(/^[1-9][0-9]*(Ki|Mi|Gi|Ti)$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no size; write it like 10Gi`,
});

/** A full Git commit name: 40 hexadecimal digits. */
export const gitSha = z.string().regex(/^[0-9a-f]{40}$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no commit; give all 40 hexadecimal digits`,
});
