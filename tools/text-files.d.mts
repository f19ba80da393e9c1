export const textFileEndings: readonly string[];
