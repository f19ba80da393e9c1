/** A Secret by name. Its values are never part of a rendered file; exactly one owner writes it. */
export interface SecretRef {
  readonly namespace: string;
  readonly name: string;
  /** The keys that consumers read. */
  readonly keys: readonly string[];
  /** @default 'Opaque' */
  readonly type?: string;
  /** Labels that its consumers look for, for example Kargo's credential type. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Who writes it: `generated` by the install script (random, once), `provided` by the operator before the install,
   * `forge-setup` by the program that knows the forge's answers.
   */
  readonly provenance: 'generated' | 'provided' | 'forge-setup';
  /** Whether the rest of the system works without it; only for `provided`. @default false */
  readonly optional?: boolean;
  /** What it is for, in words, for the inventory. */
  readonly purpose: string;
}
