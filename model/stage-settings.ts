import { z } from 'zod';
import { gate } from './gate/gate.ts';
import { dnsLabel } from './identifiers.ts';
import type { Stage } from './stage-chain.ts';

/** Schema of a stage for settings; check the whole list with `stageProblems` of stage-chain.ts. */
export const stageSchema = z.strictObject({
  name: dnsLabel,
  enabled: z.boolean(),
  kind: z.enum(['ci', 'integration-test', 'deploy']),
  namespace: dnsLabel.optional(),
  promotion: z.enum(['automatic', 'manual']),
  gate: gate.optional(),
}) satisfies z.ZodType<Stage>;
