import { Testing } from 'cdk8s';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { PromotionGate, type PromotionGateProps } from '../../../constructs/gate/index.ts';
import type { PromotionWindow } from '../../../model/promotion-window/index.ts';

export const newYork: PromotionWindow = {
  timeZone: 'America/New_York',
  days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
  from: '09:30',
  to: '16:00',
};

export const alice = 'email:alice@example.org';
export const bob = 'email:bob@example.org';

const breakGlass = { actors: [alice], minimumJustification: 15, startWithinMinutes: 30 };

/** Stages as Stonks Oracle has them, and one that is switched off. */
export function exampleGate(window: PromotionWindow = newYork): PromotionGateProps {
  return {
    system: 'example',
    project: 'example-pipeline',
    stages: [
      { name: 'ci', enabled: true, promotion: 'automatic' },
      { name: 'beta', enabled: true, promotion: 'automatic', namespace: 'example-beta' },
      { name: 'canary', enabled: false, promotion: 'manual', namespace: 'example-canary' },
      {
        name: 'paper',
        enabled: true,
        promotion: 'automatic',
        namespace: 'example-paper',
        gate: { window, breakGlass },
      },
      {
        name: 'live',
        enabled: true,
        promotion: 'manual',
        namespace: 'example-live',
        gate: { window, note: 'required', approvers: [alice, bob], breakGlass },
      },
    ],
    kargo: { namespace: 'kargo' },
    argoCd: { namespace: 'argocd' },
    guardedApplications: ['root'],
  };
}

/** The objects of a gate. */
export function gateObjects(props: PromotionGateProps): KubernetesObject[] {
  const chart = Testing.chart();
  new PromotionGate(chart, 'gate', props);
  return chart.toJson();
}
