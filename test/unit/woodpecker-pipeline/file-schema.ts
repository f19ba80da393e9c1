/**
 * What Woodpecker 3.17 accepts of the fields that we write, as JSON Schema: unknown fields, numbers in the place of texts
 * and steps without `depends_on` are errors here, where the server only warns.
 */
const text = { type: 'string', minLength: 1 };
const texts = { type: 'array', minItems: 1, items: text };
const oneOrMore = { anyOf: [text, texts] };

const condition = {
  type: 'object',
  additionalProperties: false,
  required: ['event'],
  properties: {
    event: { enum: ['push', 'pull_request', 'tag', 'manual'] },
    branch: {
      anyOf: [
        text,
        texts,
        { type: 'object', additionalProperties: false, properties: { include: oneOrMore, exclude: oneOrMore } },
      ],
    },
    ref: oneOrMore,
    status: { type: 'array', minItems: 1, items: { enum: ['success', 'failure'] } },
  },
};
const conditions = { type: 'array', minItems: 1, items: condition };

const secret = {
  type: 'object',
  additionalProperties: false,
  required: ['from_secret'],
  properties: { from_secret: text },
};
const values = {
  type: 'object',
  minProperties: 1,
  additionalProperties: { anyOf: [{ type: 'string' }, { type: 'boolean' }, { type: 'integer' }, texts, secret] },
};

const quantities = { type: 'object', minProperties: 1, additionalProperties: text };
const backendOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['kubernetes'],
  properties: {
    kubernetes: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        serviceAccountName: text,
        resources: {
          type: 'object',
          additionalProperties: false,
          properties: { requests: quantities, limits: quantities },
        },
        secrets: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'key', 'target'],
            properties: {
              name: text,
              key: text,
              target: {
                type: 'object',
                additionalProperties: false,
                required: ['file'],
                properties: { file: { pattern: '^/' } },
              },
            },
          },
        },
      },
    },
  },
};

const common = {
  name: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]*$' },
  image: { type: 'string', pattern: '^[^:@\\s]+(/[^:@\\s]+)+:(?!latest$)[\\w.-]+$' },
  depends_on: { type: 'array', uniqueItems: true, items: text },
  when: conditions,
  failure: { const: 'ignore' },
  directory: text,
  backend_options: backendOptions,
};

/** Commands and settings exclude each other: a plugin with commands or environment loses its privileges. */
const commandsStep = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'image', 'depends_on', 'commands'],
  properties: { ...common, environment: values, commands: texts },
};
const pluginStep = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'image', 'depends_on', 'settings'],
  properties: { ...common, settings: values },
};

export const woodpeckerFileSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['when', 'clone', 'steps'],
  properties: {
    when: conditions,
    concurrency: {
      type: 'object',
      additionalProperties: false,
      required: ['limit', 'group'],
      properties: { limit: { const: 1 }, group: text },
    },
    clone: {
      type: 'array',
      minItems: 1,
      maxItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'image', 'settings'],
        properties: { name: common.name, image: common.image, settings: values, backend_options: backendOptions },
      },
    },
    services: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'image'],
        properties: {
          name: common.name,
          image: common.image,
          environment: values,
          ports: { type: 'array', items: { type: 'integer' } },
        },
      },
    },
    steps: { type: 'array', minItems: 1, items: { anyOf: [commandsStep, pluginStep] } },
  },
};
