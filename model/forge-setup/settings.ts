/** Where a value of a Secret comes from. */
export type ValueSource =
  /** Public, such as an address or a user's name. */
  | { readonly literal: string }
  /** An access token of a user of the forge. Made when it is lost, kept while it works; the same name gives the same token. */
  | { readonly token: { readonly user: string; readonly name: string; readonly scopes: readonly string[] } }
  /** A key of another Secret, or the text where there is none. */
  | {
      readonly secret: { readonly namespace: string; readonly name: string; readonly key: string };
      readonly otherwise?: string;
    };

/** A Secret that a consumer of the forge needs. */
export interface ConsumerSecret {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, ValueSource>>;
}

/** A user of the forge that stands for a program. It gets a random password that nobody keeps: it works by its tokens. */
export interface ForgeUser {
  readonly name: string;
  readonly email: string;
  readonly fullName: string;
}

export interface BranchProtection {
  /** Branch or pattern, for example `stage/*`. */
  readonly pattern: string;
  /** The only users that may push to it. Nobody may rewind or delete it. */
  readonly pushers: readonly string[];
}

export interface ForgeRepository {
  readonly name: string;
  /** The branch that a clone checks out; set on the first run too. */
  readonly defaultBranch: string;
  /** @default true */
  readonly private?: boolean;
  readonly collaborators: readonly { readonly user: string; readonly permission: 'read' | 'write' | 'admin' }[];
  readonly protections: readonly BranchProtection[];
  /** Where all branches and tags come from while the repository is empty. @default - nowhere: it stays empty */
  readonly importFrom?: string;
  /**
   * File of a key (a mounted Secret) with the token for `importFrom`.
   * @default - it is public
   */
  readonly importTokenFile?: string;
}

/** An OAuth2 application of the forge, by which people log in to another program with their forge account. */
export interface OAuthApplication {
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** The Secret that gets its id and secret. */
  readonly secret: {
    readonly namespace: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly idKey: string;
    readonly secretKey: string;
  };
  /** Pods that read the Secret only when they start; they are replaced after a change. @default - none */
  readonly restart?: { readonly namespace: string; readonly podLabels: Readonly<Record<string, string>> };
}

/** Gitea's own Deployment: configured, never made or removed (R1.1, R12.4). */
export interface ForgeDeployment {
  readonly namespace: string;
  readonly name: string;
  /** Container that runs Gitea. @default - the first one */
  readonly container?: string;
  /** Environment variables, `GITEA__section__KEY`. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface WoodpeckerSetup {
  /** As browsers see it, equal to WOODPECKER_HOST. */
  readonly url: string;
  /** How this program reaches it, if not by `url`. @default - `url` */
  readonly internalUrl?: string;
  /** Certificate authority of `url`, PEM. @default - the system's */
  readonly caFile?: string;
  /** Beginning of the address to which the forge sends events. */
  readonly webhookUrl: string;
  /** The repository that is activated. */
  readonly repository: string;
  readonly timeoutMinutes: number;
  /** File of the pipeline, relative to the repository. */
  readonly configFile: string;
  /** Secret that keeps Woodpecker's own token (key `token`). */
  readonly tokenSecret: { readonly namespace: string; readonly name: string };
  /** Secrets of the repository. All of them always exist: a pipeline with an unknown one does not even start. */
  readonly secrets: readonly {
    readonly name: string;
    readonly events: readonly string[];
    readonly value: ValueSource;
  }[];
}

/** What the program `forge-setup` needs to know, as the JSON file in its ConfigMap. */
export interface ForgeSetupSettings {
  readonly format: 'forge-setup-settings/1';
  readonly system: string;
  /** The one address of the forge, byte-equal in every consumer (R25.1). */
  readonly url: string;
  /** Certificate authority of the forge, PEM. @default - the system's */
  readonly caFile?: string;
  /** Files with name and password of the forge's administrator, and the address for a first set-up. */
  readonly admin: { readonly usernameFile: string; readonly passwordFile: string; readonly email: string };
  readonly sshPort?: number;
  /** @default - the forge is no Deployment of this cluster: its own settings are left alone */
  readonly deployment?: ForgeDeployment;
  /** Owner of the repositories: an organization, made if it does not exist, or the administrator. */
  readonly owner: string;
  readonly users: readonly ForgeUser[];
  /** Users that may publish packages of the owner, if that is an organization. */
  readonly packageWriters: readonly string[];
  readonly repositories: readonly ForgeRepository[];
  readonly applications: readonly OAuthApplication[];
  readonly secrets: readonly ConsumerSecret[];
  /** People who log in with their forge account: each address must belong to a user. */
  readonly people: readonly string[];
  readonly woodpecker?: WoodpeckerSetup;
  /**
   * Snapshots that hold bundles of the repositories. An empty forge is never set up anew beside them without saying so.
   * @default - none
   */
  readonly snapshots?: { readonly folder: string; readonly keyFile: string };
}

/** Field manager of the Secrets that the set-up writes. */
export const forgeSetupFieldManager = 'pipelines-forge-setup';
