/**
 * Who asks for a promotion, as Kargo writes it: `admin` (the shared account), `email:alice@example.org` (a login through the
 * identity provider), `kubernetes:bob` (kubectl), `unknown actor` (a Kargo API token). Automatic promotions have none.
 */
export type Actor = string;

/** What Kargo writes for API tokens. It names nobody. */
export const unknownActor = 'unknown actor';

/** Kargo's administrator: one password, many people. It names nobody. */
export const kargoAdmin = 'admin';

/** Accounts of a cluster that several people share: they name nobody either. */
export const sharedAccounts: readonly Actor[] = [
  kargoAdmin,
  unknownActor,
  'kubernetes:admin',
  'kubernetes:kubernetes-admin',
  'kubernetes:kubernetes-super-admin',
  'kubernetes:pipelines-set-up',
];

/** Beginnings of names that belong to programs. */
export const programPrefixes = ['kubernetes:system:', 'controller:'] as const;

/** A claim and its value. */
export const personPattern = '^[^:]+:.*[^ ]';

/** Whether an actor names one person: neither a shared account, nor a token, nor a program. */
export function namesAPerson(actor: Actor | undefined): boolean {
  return (
    actor !== undefined &&
    new RegExp(personPattern, 'u').test(actor) &&
    !sharedAccounts.includes(actor) &&
    !programPrefixes.some((prefix) => actor.startsWith(prefix))
  );
}

/** The actor of a request that does not come from Kargo's own accounts, whatever its annotations claim. */
export function kubernetesActor(user: string): Actor {
  return `kubernetes:${user}`;
}

/** An actor in a sentence. */
export function actorText(actor: Actor | undefined): string {
  return actor === undefined || actor === '' ? 'an automatic promotion' : actor;
}
