import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';

/** One rule of an admission policy. */
export interface PolicyValidation {
  /** CEL; the request is refused where it is false. */
  readonly expression: string;
  /** What the caller reads. @default - messageExpression alone */
  readonly message?: string;
  /** CEL that gives the text; wins over `message`. */
  readonly messageExpression?: string;
  /** Decides the HTTP status: Forbidden gives 403. @default 'Forbidden' */
  readonly reason?: 'Forbidden' | 'Invalid' | 'Unauthorized' | 'RequestEntityTooLarge';
}

/** Requests that a policy looks at. */
export interface PolicyResourceRule {
  readonly apiGroups: readonly string[];
  /** @default ['*'] */
  readonly apiVersions?: readonly string[];
  readonly operations: ReadonlyArray<'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'>;
  /** Resources, with subresources as `promotions/status`. */
  readonly resources: readonly string[];
}

export interface AdmissionPolicyProps {
  /** Name of the policy and of its binding; cluster-wide unique. */
  readonly name: string;
  readonly rules: readonly PolicyResourceRule[];
  /** Named CEL, evaluated in order. @default - none */
  readonly variables?: ReadonlyArray<{ readonly name: string; readonly expression: string }>;
  /** The policy applies where all are true. @default - always */
  readonly matchConditions?: ReadonlyArray<{ readonly name: string; readonly expression: string }>;
  readonly validations: readonly PolicyValidation[];
  /** Values that go into the API server's audit log. @default - none */
  readonly auditAnnotations?: ReadonlyArray<{ readonly key: string; readonly valueExpression: string }>;
  /** Namespaces it applies in, by label. @default - all */
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
  /** Annotations of both objects, for example the sync wave. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * A ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1) with its binding: denies, fails closed, and leaves a mark in
 * the audit log. The classes of cdk8s-plus-28 know this API only as a beta, hence a construct of its own.
 */
export class AdmissionPolicy extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: AdmissionPolicyProps) {
    super(scope, id);
    this.name = props.name;
    const metadata = { name: props.name, annotations: props.annotations };
    new ApiObject(this, 'Policy', {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          matchPolicy: 'Equivalent',
          namespaceSelector: props.namespaceSelector ?? {},
          objectSelector: {},
          resourceRules: props.rules.map((rule) => ({ ...rule, apiVersions: rule.apiVersions ?? ['*'], scope: '*' })),
        },
        matchConditions: props.matchConditions,
        variables: props.variables,
        validations: props.validations.map((rule) => ({ ...rule, reason: rule.reason ?? 'Forbidden' })),
        auditAnnotations: props.auditAnnotations,
      },
    });
    new ApiObject(this, 'Binding', {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: props.name, validationActions: ['Deny', 'Audit'] },
    });
  }
}
