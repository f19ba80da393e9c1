/** One step of a rendered plan. */
export interface PlanStep {
  readonly phase: string;
  readonly verb: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The steps of a plan file, in order. */
export function planSteps(text: string): readonly PlanStep[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [phase = '', verb = '', ...fields] = line.split('\t');
      return {
        phase,
        verb,
        fields: Object.fromEntries(fields.map((field) => field.split(/=(.*)/s).slice(0, 2) as [string, string])),
      };
    });
}

/** The phases of a plan in order, each once. */
export function phasesOf(steps: readonly PlanStep[]): readonly string[] {
  return [...new Set(steps.map(({ phase }) => phase))];
}
