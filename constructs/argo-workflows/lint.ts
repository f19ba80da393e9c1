import type { Template, WorkflowSpec } from './spec.ts';

/**
 * What is wrong with a template: the minimal CRDs would accept it, and it would fail at its first run. Checks that every
 * template, task and parameter that is named exists, and that graphs have no loops.
 */
export function workflowProblems(spec: WorkflowSpec): readonly string[] {
  const templates = new Map(spec.templates.map((template) => [template.name, template]));
  const global = new Set((spec.arguments?.parameters ?? []).map((parameter) => parameter.name));
  return [
    ...(templates.size < spec.templates.length ? ['two templates have the same name'] : []),
    ...(templates.has(spec.entrypoint) ? [] : [`entrypoint ${spec.entrypoint} is no template`]),
    ...spec.templates.flatMap((template) => templateProblems(template, templates, global)),
  ];
}

function templateProblems(
  template: Template,
  templates: ReadonlyMap<string, Template>,
  global: ReadonlySet<string>,
): readonly string[] {
  const where = `template ${template.name}`;
  const inputs = new Set((template.inputs?.parameters ?? []).map((parameter) => parameter.name));
  const references = [...JSON.stringify(template).matchAll(/\{\{([^}]+)\}\}/g)].map((match) => (match[1] ?? '').trim());
  const unknown = references.filter((reference) => {
    const [scope, kind, name = ''] = reference.split('.');
    if (scope === 'workflow') return kind === 'parameters' && !global.has(name);
    if (scope === 'inputs') return kind !== 'parameters' || !inputs.has(name);
    if (scope === 'tasks') return !isOutput(reference, template, templates);
    return true;
  });
  return [
    ...(Boolean(template.container) === Boolean(template.dag)
      ? [`${where} is not exactly one of container and dag`]
      : []),
    ...unknown.map((reference) => `${where} reads {{${reference}}}, which nothing gives`),
    ...taskProblems(where, template, templates),
  ];
}

function isOutput(reference: string, template: Template, templates: ReadonlyMap<string, Template>): boolean {
  const match = /^tasks\.([^.]+)\.outputs\.parameters\.([^.]+)$/.exec(reference);
  const task = template.dag?.tasks.find((candidate) => candidate.name === match?.[1]);
  const outputs = templates.get(task?.template ?? '')?.outputs?.parameters ?? [];
  return outputs.some((output) => output.name === match?.[2]);
}

function taskProblems(where: string, template: Template, templates: ReadonlyMap<string, Template>): readonly string[] {
  const seen = new Set<string>();
  return (template.dag?.tasks ?? []).flatMap((task) => {
    const target = templates.get(task.template);
    const given = new Set((task.arguments?.parameters ?? []).map((parameter) => parameter.name));
    const wanted = (target?.inputs?.parameters ?? []).filter((parameter) => parameter.value === undefined);
    const problems = [
      ...(target ? [] : [`${where}: task ${task.name} runs ${task.template}, which is no template`]),
      ...wanted.filter(({ name }) => !given.has(name)).map(({ name }) => `${where}: task ${task.name} lacks ${name}`),
      // Tasks stand in the order in which they can run.
      ...(task.dependencies ?? [])
        .filter((name) => !seen.has(name))
        .map((name) => `${where}: task ${task.name} waits for ${name}, which is no task before it`),
    ];
    seen.add(task.name);
    return problems;
  });
}
