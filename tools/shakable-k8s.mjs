import { readFileSync } from 'node:fs';

/**
 * The Kubernetes classes of cdk8s-plus-28 are one CommonJS file of 15,000 lines, of which a bundle would carry all. The file is
 * generated and regular, so this plugin reads it as an ES module without side effects, and the bundle keeps what is used.
 *
 * @type {import('esbuild').Plugin}
 */
export const shakableK8s = {
  name: 'shakable-k8s',
  setup(build) {
    build.onLoad({ filter: /cdk8s-plus-28[\\/]lib[\\/]imports[\\/]k8s\.js$/ }, ({ path }) => ({
      contents: asModule(readFileSync(path, 'utf8')),
      loader: 'js',
    }));
  },
};

function asModule(commonJs) {
  const exported = new Set();
  const groupVersionKinds = new Map();
  const text = commonJs
    .replace(/^exports\..* = void 0;$/gm, '')
    .replace(/^var _a.*;$/gm, '')
    .replace(/^_\w+ = JSII_RTTI_SYMBOL_1;\n\w+\[_\w+\] = .*;$/gm, '')
    .replace(/^const cdk8s_1 = require\("cdk8s"\);$/m, 'import * as cdk8s_1 from "cdk8s";')
    // enums
    .replace(/\((\w+) = exports\.\1 \|\| \(exports\.\1 = \{\}\)\)/g, (_, name) => {
      exported.add(name);
      return `(${name} ||= {})`;
    })
    .replace(/^exports\.(\w+) = \1;$/gm, (_, name) => {
      exported.add(name);
      return '';
    })
    .replace(/^(\w+)\.GVK = (\{[^}]*\});$/gm, (_, name, value) => {
      groupVersionKinds.set(name, value);
      return '';
    })
    .replace(/^class (\w+) extends cdk8s_1\.ApiObject \{$([\s\S]*?)^\}$/gm, (_, name, body) => {
      const gvk = groupVersionKinds.get(name);
      if (!gvk) throw new Error(`${name} has no apiVersion and kind; the generated file has another shape now`);
      return `const ${name} = /* @__PURE__ */ (() => class ${name} extends cdk8s_1.ApiObject {\nstatic GVK = ${gvk};${body}})();`;
    })
    .replace(/\/\/# sourceMappingURL=.*/g, '');
  if (exported.size < 500 || /\bexports\.|\brequire\("/.test(text)) {
    throw new Error('the Kubernetes classes have another shape than expected; adjust tools/shakable-k8s.mjs');
  }
  return `${text}\nexport { ${[...exported].join(', ')} };\n`;
}
