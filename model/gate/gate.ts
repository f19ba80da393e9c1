import { z } from 'zod';
import { promotionWindow } from '../promotion-window/settings.ts';
import type { PromotionWindow } from '../promotion-window/window.ts';
import { type Actor, kargoAdmin, namesAPerson } from './actors.ts';

/** Who may override the window, and how. R19 */
export interface BreakGlass {
  /** The people who may, as Kargo writes them: `email:alice@example.org`, `kubernetes:bob`. Never the shared account. R19.4 */
  readonly actors: readonly Actor[];
  /** Fewest characters of the justification. R19.3 */
  readonly minimumJustification: number;
  /** Minutes after its creation within which the promotion has to start; later it is an ordinary one. R19.5 */
  readonly startWithinMinutes: number;
}

/** What a promotion into a stage has to satisfy. The gate belongs to the target stage. */
export interface Gate {
  /** Hours in which promotions are blocked. @default - always open. R16.3, R17.3, R18 */
  readonly window?: PromotionWindow;
  /** A note on every promotion, written by a named person; nothing is promoted automatically. @default - optional. R17.1 */
  readonly note?: 'required';
  /** The people who may promote. @default - everyone whom Kargo lets. R17.1 */
  readonly approvers?: readonly Actor[];
  /** Override of the window for one promotion. @default - nobody can. R19 */
  readonly breakGlass?: BreakGlass;
}

export const breakGlassDefaults = { minimumJustification: 15, startWithinMinutes: 30 } as const;

const person = z.string().refine(namesAPerson, {
  error: (issue) =>
    issue.input === kargoAdmin
      ? 'the shared account "admin" names nobody; list people, for example email:alice@example.org'
      : `${JSON.stringify(issue.input)} names no person; write it like email:alice@example.org or kubernetes:bob`,
});

const people = z
  .array(person)
  .min(1, 'the list is empty, so that nobody may; name a person, or remove it')
  .refine((list) => new Set(list).size === list.length, 'somebody is listed twice; list every person once')
  .readonly();

/** Schema of a gate for settings. */
export const gate = z
  .strictObject({
    window: promotionWindow.optional(),
    note: z.literal('required').optional(),
    approvers: people.optional(),
    breakGlass: z
      .strictObject({
        actors: people,
        minimumJustification: z
          .int()
          .min(breakGlassDefaults.minimumJustification, 'a justification has at least 15 characters; raise the minimum')
          .max(200, 'nobody writes that much in an emergency; ask for 200 characters at most')
          .default(breakGlassDefaults.minimumJustification),
        startWithinMinutes: z
          .int()
          .min(1, 'the promotion needs at least a minute to start; raise the limit')
          .max(120, 'a break-glass that waits for hours is none; allow 120 minutes at most')
          .default(breakGlassDefaults.startWithinMinutes),
      })
      .optional(),
  })
  .refine((value) => value.breakGlass === undefined || value.window !== undefined, {
    path: ['breakGlass'],
    error: 'break-glass without a window breaks nothing; give the gate a window, or remove breakGlass',
  });

/** The part of a stage that the gate looks at; every stage of model/stage-chain.ts has it. */
export interface GatedStage {
  readonly name: string;
  readonly enabled: boolean;
  readonly promotion: 'automatic' | 'manual';
  readonly gate?: Gate;
}
