import { Construct } from 'constructs';
import { AdmissionPolicy } from '../core/index.ts';
import { text } from './cel.ts';
import { requestNamespace } from './context.ts';

export interface ZoneProbeProps {
  /** Name of the system; the policy is called `<system>-zone-probe`. */
  readonly system: string;
  /** Namespace in which the probe is tried, with `--dry-run=server`. */
  readonly namespace: string;
  /** Zones of the windows. */
  readonly timeZones: readonly string[];
}

/** Name of the ConfigMap that a probe pretends to create. */
export const zoneProbeObject = 'pipelines-zone-probe';

/**
 * Tells whether an API server knows time zones by name, with a policy like those of the gate. (Preflight asks without writing
 * anything, by the dry run of a definition.) Apply it, then create ConfigMaps named `pipelines-zone-probe` with
 * `--dry-run=server`:
 *
 * 1. `data: {try: 'refusal'}` until it is refused with "zone probe is in force" (a new policy needs a moment);
 * 2. `data: {try: 'zones'}`: created means that the zones are known; any refusal means that they are not, and the gate is to
 *    be rendered with `clock: 'utc-arithmetic'`.
 *
 * Try it once per API server, because each has its own zone data, and remove it afterwards. It touches no other object.
 */
export class ZoneProbe extends Construct {
  readonly policyName: string;

  constructor(scope: Construct, id: string, props: ZoneProbeProps) {
    super(scope, id);
    const policy = new AdmissionPolicy(this, 'policy', {
      name: `${props.system}-zone-probe`,
      rules: [{ apiGroups: [''], operations: ['CREATE'], resources: ['configmaps'] }],
      matchConditions: [
        {
          name: 'the-probe',
          expression: `${requestNamespace} == ${text(props.namespace)} && object.metadata.name == ${text(zoneProbeObject)}`,
        },
      ],
      variables: [
        { name: 'try', expression: "object.?data['try'].orValue('')" },
        { name: 'now', expression: 'timestamp(object.metadata.creationTimestamp)' },
      ],
      validations: [
        { expression: "variables.try != 'refusal'", message: 'zone probe is in force' },
        ...[...new Set(props.timeZones)].sort().map((zone) => ({
          // An unknown zone is an error of the expression, and the policy fails closed.
          expression: `variables.try != 'zones' || variables.now.getHours(${text(zone)}) >= 0`,
          message: `the API server does not know the zone ${zone}`,
        })),
      ],
    });
    this.policyName = policy.name;
  }
}
