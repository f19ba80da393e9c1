import { z } from 'zod';
import { gate } from '../gate/gate.ts';
import { dnsLabel, httpUrl } from '../identifiers.ts';

const stage = z.strictObject({
  name: dnsLabel,
  enabled: z.boolean(),
  kind: z.enum(['ci', 'integration-test', 'deploy']),
  namespace: dnsLabel.optional(),
  promotion: z.enum(['automatic', 'manual']),
  gate: gate.optional(),
});

/** What the command line has to know about one system: the file dist/<system>/gate.json. No secrets. */
export const gateClientSettings = z.strictObject({
  format: z.literal('gate-client/1'),
  /** Name of the system. */
  system: dnsLabel,
  /** Kargo project (namespace). */
  project: dnsLabel,
  /** Kargo as people reach it. */
  kargoUrl: httpUrl,
  /** The promotion desk, which gives history and verification. @default - none: history is what Kargo still has */
  deskUrl: httpUrl.optional(),
  /** The chain, in order, with the very gates that the policies were generated from. */
  stages: z.array(stage).min(1, 'no stage; list the chain').readonly(),
  /** Repository of the image whose tag stands for a build. @default - the first image of the Freight */
  image: z.string().optional(),
  /** The claim that Kargo names people by. */
  usernameClaim: z.string().default('email'),
});

/** @see gateClientSettings */
export type GateClientSettings = z.output<typeof gateClientSettings>;
