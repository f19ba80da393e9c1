// Takes the place of the `yaml` package that cdk8s loads at start-up: half of its load time, and never called by us.
function unused() {
  throw new Error('the rendering prints YAML itself (constructs/core/yaml.ts); cdk8s must not');
}
export const parseAllDocuments = unused;
export const parse = unused;
export const stringify = unused;
export const Document = class {
  constructor() {
    unused();
  }
};
export default { parseAllDocuments, parse, stringify, Document };
