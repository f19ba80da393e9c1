/** Name of the desk's Deployment, Service and account. */
export const deskName = 'promotion-desk';

/** Port of the desk's pods. */
export const deskPort = 8080;

/** Labels of the desk's pods, for those who let them in: kargo-api and the audit recorder. */
export const deskPods: Readonly<Record<string, string>> = { 'app.kubernetes.io/name': deskName };

/** Address of the desk on Kargo's host. */
export function deskUrl(host: string): string {
  return `https://${host}/desk/`;
}

/** A link of every stage in Kargo's own dashboard to the stage's history in the desk. R22.3 */
export function deskHistoryLink(host: string): {
  readonly title: string;
  readonly url: string;
  readonly description: string;
} {
  return {
    title: 'Promotion history',
    url: `https://${host}/desk/history?stage={{ .stage.metadata.name }}`,
    description: 'Who promoted what, when, with which note, and whether glass was broken',
  };
}
