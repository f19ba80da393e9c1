import { windowText } from '../promotion-window/window.ts';
import { gateAnnotation } from './annotations.ts';
import type { Gate, GatedStage } from './gate.ts';
import type { TextRule } from './text.ts';

/**
 * The texts of the gate: what is refused, why, for how long, and what to do. They are templates, because the API server fills
 * them in CEL and the desk and the command line in TypeScript: `{left}` is the time until the window opens, `{actor}` whoever
 * asks.
 */
export const message = {
  identity: 'identity: create-actor does not match the account that sent the request. Leave the annotation out',

  unknownAnnotation: `annotation: unknown key under pipelines.celestium.life/. Only ${gateAnnotation.note} and ${gateAnnotation.breakGlass} exist; correct the spelling`,

  note: (rule: TextRule) =>
    `note: it has to be one line of ${rule.minimum} to ${rule.maximum} visible characters, at least ${rule.letters} of them letters or digits`,

  justification: (rule: TextRule) =>
    `break-glass: the justification has to be one line of ${rule.minimum} to ${rule.maximum} visible characters, at least ${rule.letters} of them letters or digits`,

  annotatedAutomatic: 'identity: an automatic promotion carries neither note nor break-glass',

  unknownStage:
    'stage: the gate does not know this stage, so that nothing is promoted to it. Add it to the settings, render and push',

  disabled: (stage: GatedStage) =>
    `disabled: stage ${stage.name} is switched off by its setting "enabled: false". Promote to the stage after it, or switch it on in the settings, render and push`,

  disabledStart: (stage: GatedStage) =>
    `disabled: stage ${stage.name} is switched off by its setting "enabled: false", so that this promotion does not start. Abort it`,

  automatic: (stage: GatedStage) =>
    `approval: ${stage.name} is promoted by hand, never automatically. Turn its promotion policy off`,

  noPerson: (stage: GatedStage) =>
    `approval: ${stage.name} is promoted by a named person, and {actor} names nobody. Log in to Kargo with your own account`,

  notApprover: (stage: GatedStage, approvers: readonly string[]) =>
    `approval: {actor} may not promote to ${stage.name}. Ask one of ${approvers.join(', ')}`,

  noteMissing: (stage: GatedStage) =>
    `note: a promotion to ${stage.name} needs a note, the annotation ${gateAnnotation.note}. Promote from the desk or the command line, which ask for it`,

  noBreakGlass: (stage: GatedStage) =>
    stage.gate?.window === undefined
      ? `break-glass: ${stage.name} has no promotion window to override. Promote without a justification`
      : `break-glass: nobody may override the promotion window of ${stage.name}. Promote when it opens`,

  breakGlassActor: (stage: GatedStage, actors: readonly string[]) =>
    `break-glass: {actor} may not override the promotion window of ${stage.name}. Ask one of ${actors.join(', ')}`,

  blocked: (stage: GatedStage) =>
    `blocked: ${stage.name} takes no promotion during ${hours(stage.gate)}. It opens in {left}. Promote then${emergency(stage.gate, ', or break glass with a justification in an emergency')}`,

  waits: (stage: GatedStage) =>
    `blocked: ${stage.name} takes no promotion during ${hours(stage.gate)}. This one waits and starts by itself in {left}${emergency(stage.gate, '. In an emergency abort it and break glass')}`,

  expired: (stage: GatedStage) =>
    `blocked: the break-glass of this promotion expired, it had to start within ${stage.gate?.breakGlass?.startWithinMinutes ?? 0} minutes. It waits and starts by itself in {left}. In an emergency abort it and break glass again`,
} as const;

function hours(gate: Gate | undefined): string {
  return gate?.window === undefined ? 'market hours' : `market hours ${windowText(gate.window)}`;
}

function emergency(gate: Gate | undefined, advice: string): string {
  return gate?.breakGlass === undefined ? '' : advice;
}

/** Puts values into the places of a template. */
export function fill(template: string, values: { readonly left?: string; readonly actor?: string }): string {
  return template.replace(/\{(left|actor)\}/g, (place, name: 'left' | 'actor') => values[name] ?? place);
}
