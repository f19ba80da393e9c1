import { type GateClientSettings, gateClientSettings } from '../../model/gate-client/settings.ts';
import { parseSettings } from '../../model/problems.ts';
import type { Stage } from '../../model/stage-chain.ts';
import type { SystemOutput } from '../core/index.ts';

export interface GateClientProps {
  /** Kargo project. */
  readonly project: string;
  /** Host of Kargo's dashboard and API, served by https. */
  readonly kargoHost: string;
  /** Whether the promotion desk answers below /desk of that host. @default true */
  readonly desk?: boolean;
  /** The chain, in order, the disabled stages among them. */
  readonly stages: readonly Stage[];
  /** Repository of the image whose tag stands for a build. @default - the first image of the Freight */
  readonly image?: string;
  /** The claim that Kargo names people by (`api.oidc.usernameClaim`). @default 'email' */
  readonly usernameClaim?: string;
}

/**
 * Writes gate.json: what `npm run gate` has to know about the system.
 *
 * @throws SettingsError with every value that the command line would refuse
 */
export function writeGateClientSettings(output: SystemOutput, props: GateClientProps): GateClientSettings {
  const kargoUrl = `https://${props.kargoHost}`;
  const settings = parseSettings(`gate.json of ${output.system}`, gateClientSettings, {
    format: 'gate-client/1',
    system: output.system,
    project: props.project,
    kargoUrl,
    deskUrl: (props.desk ?? true) ? `${kargoUrl}/desk` : undefined,
    stages: props.stages.map(({ name, enabled, kind, namespace, promotion, gate }) => ({
      name,
      enabled,
      kind,
      namespace,
      promotion,
      gate,
    })),
    image: props.image,
    usernameClaim: props.usernameClaim,
  });
  output.file('gate.json', `${JSON.stringify(settings, undefined, 2)}\n`);
  return settings;
}
