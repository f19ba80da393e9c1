export interface GiteaEnvironmentProps {
  /** The one address of the forge, without slash at the end. R1.3 */
  readonly url: string;
  /**
   * Hosts that webhooks may call: Gitea's own list format.
   * @default 'private': addresses of private networks, which cluster addresses are
   */
  readonly webhookHosts?: string;
  /** Hours that an access token of a log-in is good for: as long as a pipeline may run, since it is given out at its start. @default 24 */
  readonly accessTokenHours?: number;
  /** Hours without any activity after which Woodpecker has to log in anew. @default 17520, two years */
  readonly refreshTokenHours?: number;
}

/**
 * What Gitea needs to be told, as environment of its container. By default it calls no private address (webhooks are registered but
 * never delivered), and lets log-ins of programs end after an hour and after 30 quiet days.
 */
export function giteaEnvironment(props: GiteaEnvironmentProps): Readonly<Record<string, string>> {
  const url = new URL(props.url);
  return {
    GITEA__server__ROOT_URL: `${props.url}/`,
    GITEA__server__DOMAIN: url.hostname,
    GITEA__webhook__ALLOWED_HOST_LIST: props.webhookHosts ?? 'private',
    GITEA__oauth2__ACCESS_TOKEN_EXPIRATION_TIME: String((props.accessTokenHours ?? 24) * 3600),
    GITEA__oauth2__REFRESH_TOKEN_EXPIRATION_TIME: String(props.refreshTokenHours ?? 17_520),
  };
}
