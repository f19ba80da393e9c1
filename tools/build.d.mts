export function programNames(): string[];
export function buildRuntime(): Promise<void>;
export function buildMain(): Promise<void>;
export function buildTool(entry: string): Promise<string>;
