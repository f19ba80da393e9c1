import type { z } from 'zod';
import { type Problem, parseSettings } from '../../model/problems.ts';
import { type RenderedFile, SystemOutput } from './system-output.ts';

/** What the renderer hands to a system besides its settings. */
export interface RenderContext {
  /** The bundled text of the run-time program runtime/<name>. */
  program(name: string): string;
  /** The bundled text of code for the browser, runtime/<program>/browser/<name>.entry.ts. */
  browserCode(name: string): string;
}

/** One delivery system: settings, their schema and rules, and the composition of constructs that renders them. */
export interface SystemDefinition<Schema extends z.ZodType> {
  /** Folder in dist/ and value of the label part-of. */
  readonly name: string;
  /** One sentence: what the system delivers. */
  readonly description: string;
  readonly schema: Schema;
  readonly settings: z.input<Schema>;
  /** Rules between values. @default - none */
  readonly checks?: ReadonlyArray<(settings: z.output<Schema>) => readonly Problem[]>;
  /** Builds every file. Readable from top to bottom. */
  compose(output: SystemOutput, settings: z.output<Schema>, context: RenderContext): void;
}

/** A system as the program and the tests use it. */
export interface System {
  readonly name: string;
  readonly description: string;
  /**
   * Renders the system.
   *
   * @param change gives other settings than the system's own, for tests of a switch or a bad value
   * @throws SettingsError with every problem in the settings
   */
  render(context: RenderContext, change?: (settings: unknown) => unknown): readonly RenderedFile[];
}

/** Makes a system of its definition. */
export function defineSystem<Schema extends z.ZodType>(definition: SystemDefinition<Schema>): System {
  return {
    name: definition.name,
    description: definition.description,
    render(context, change = (settings) => settings) {
      const settings = parseSettings(
        `settings of ${definition.name}`,
        definition.schema,
        change(structuredClone(definition.settings)),
        ...(definition.checks ?? []),
      );
      const output = new SystemOutput(definition.name);
      definition.compose(output, settings, context);
      return output.files();
    },
  };
}
