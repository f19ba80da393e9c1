import { z } from 'zod';
import { dnsLabel, httpUrl, portNumber } from '../../model/identifiers.ts';

const text = z.string().min(1, 'empty; give a value');

/** Settings of the recorder, rendered by constructs/recorder. Secrets are named by the files that hold them. */
export const recorderSettings = z.strictObject({
  /** Kargo project. */
  project: dnsLabel,
  /** Folder of the audit log on the volume. */
  folder: text,
  /** Bytes after which a file is closed and the next one begun. */
  rotateBytes: z
    .int()
    .min(64 * 1024, 'smaller than 64 KiB; give at least 65536')
    .default(16 * 2 ** 20),
  listen: z.strictObject({ host: text.default('0.0.0.0'), port: portNumber.default(8080) }).prefault({}),
  lease: z.strictObject({
    namespace: dnsLabel,
    name: dnsLabel.default('audit-recorder'),
    seconds: z.int().min(5, 'shorter than 5 s; give at least 5').default(15),
  }),
  annotations: z
    .strictObject({
      note: text.default('pipelines.celestium.life/note'),
      breakGlass: text.default('pipelines.celestium.life/break-glass'),
      prefix: text.default('pipelines.celestium.life/'),
    })
    .prefault({}),
  /** Label selector of the gate's policies and bindings. */
  gateSelector: text.optional(),
  /** Where heads of the chain are anchored. */
  anchor: z
    .strictObject({
      url: httpUrl,
      owner: text,
      repository: text,
      branch: text.default('audit'),
      userFile: text,
      passwordFile: text,
      everyMinutes: z.number().positive('not positive; give minutes').default(15),
    })
    .optional(),
  /** How snapshots of Kargo's state are taken. */
  snapshot: z
    .strictObject({
      command: z.array(text).min(1, 'empty; give the program and its arguments'),
      everyMinutes: z.number().positive('not positive; give minutes').default(10),
      timeoutSeconds: z.number().positive('not positive; give seconds').default(600),
    })
    .optional(),
  /** Folder of the snapshots, to see how old the latest is. */
  snapshotFolder: text.optional(),
  /** Minutes between checks of the whole chain. */
  verifyEveryMinutes: z.number().positive('not positive; give minutes').default(60),
});

export type RecorderSettings = z.output<typeof recorderSettings>;
