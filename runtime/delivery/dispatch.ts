import {
  type DeliveredApplication,
  type DeliverySettings,
  gitOpsSuffix,
  noCommit,
  type PushEvent,
  tagEventOf,
  workflowName,
} from '../../model/delivery/index.ts';
import { parseRepositoryUrl, samePlace } from '../../model/forge-url/index.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isReason } from '../kubernetes/errors.ts';
import type { Resource } from '../kubernetes/resources.ts';

const workflows: Resource = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  plural: 'workflows',
  kind: 'Workflow',
  namespaced: true,
};

/** What a push leads to. */
export type Decision =
  | { readonly start: false; readonly reason: string }
  | {
      readonly start: true;
      readonly application: DeliveredApplication;
      /** Template that runs, in the application's CI namespace. */
      readonly template: string;
      readonly ref: string;
      readonly revision: string;
    };

/** Decides what a push starts. The sensors filter before; what they should have held back is refused here again. */
export function decide(settings: DeliverySettings, event: PushEvent): Decision {
  const nothing = (reason: string): Decision => ({ start: false, reason });
  if (!/^[0-9a-f]{40}$/.test(event.revision)) return nothing(`${JSON.stringify(event.revision)} is no commit`);
  if (event.revision === noCommit) return nothing(`${event.ref} was deleted`);
  const pushed = tagEventOf(event.ref, event.revision);
  if (!pushed) return nothing(`${event.ref} is neither a branch nor a tag`);
  const place = parseRepositoryUrl(event.url, settings.forges);
  if (place.repository.endsWith(gitOpsSuffix)) return nothing(`${place.repository} holds overlays, nothing to build`);
  const application = settings.applications.find((candidate) => samePlace(candidate.source, place));
  if (!application) return nothing(`no application comes from ${event.url}; add it to its tenant in the settings`);
  const { ref, revision } = event;
  if (pushed.kind === 'tag') {
    return /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(pushed.kind === 'tag' ? pushed.tag : '')
      ? { start: true, application, template: settings.workflows.release, ref, revision }
      : nothing(`${event.ref} is no release; release tags look like v1.2.3`);
  }
  if (ref !== 'refs/heads/main') return nothing(`${ref} is not delivered; only main is`);
  return { start: true, application, template: settings.workflows.build, ref, revision };
}

/** Starts the Workflow of a decision; false when the same push has started it before. */
export async function start(client: KubernetesClient, decision: Decision & { start: true }): Promise<boolean> {
  const { application, template, ref, revision } = decision;
  try {
    await client.create(workflows, {
      metadata: {
        name: workflowName(application.name, ref, revision),
        namespace: application.ciNamespace,
        labels: { 'app.kubernetes.io/name': application.name },
      },
      spec: {
        workflowTemplateRef: { name: template },
        arguments: {
          parameters: [
            { name: 'application', value: application.name },
            { name: 'revision', value: revision },
            { name: 'ref', value: ref },
          ],
        },
      },
    });
    return true;
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return false;
    throw error;
  }
}
