import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';

/**
 * The parts of cert-manager's objects that are used.
 *
 * @see https://cert-manager.io/docs/reference/api-docs/
 */
interface IssuerSpec {
  readonly selfSigned?: Record<string, never>;
  readonly ca?: { readonly secretName: string };
}

interface CertificateSpec {
  readonly secretName: string;
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly isCA?: boolean;
  readonly duration: string;
  readonly renewBefore: string;
  readonly usages: readonly string[];
  readonly privateKey: { readonly algorithm: 'ECDSA'; readonly size: 256; readonly rotationPolicy: 'Always' };
  readonly issuerRef: { readonly name: string; readonly kind: 'Issuer' };
}

const privateKey = { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' } as const;

export interface PrivateAuthorityProps {
  /** Name of the Issuer; its own key is the Secret `<name>-ca`. */
  readonly name: string;
}

/** A certificate authority of one namespace: what it signs is trusted by the pods that mount it and by nobody else. */
export class PrivateAuthority extends Construct {
  readonly issuer: string;

  constructor(scope: Construct, id: string, { name }: PrivateAuthorityProps) {
    super(scope, id);
    this.issuer = name;
    const root = `${name}-root`;
    const secretName = `${name}-ca`;
    issuer(this, root, { selfSigned: {} });
    certificate(this, secretName, {
      secretName,
      commonName: name,
      isCA: true,
      duration: '87600h',
      renewBefore: '8760h',
      usages: ['cert sign', 'crl sign'],
      privateKey,
      issuerRef: { name: root, kind: 'Issuer' },
    });
    issuer(this, name, { ca: { secretName } });
  }
}

export interface PeerCertificateProps {
  /** Name of the Certificate and of its Secret (keys tls.crt, tls.key, ca.crt). */
  readonly name: string;
  readonly issuer: string;
  /** Names that peers check. */
  readonly dnsNames: readonly [string, ...string[]];
}

/** The certificate of one side of a connection on which both sides show one. */
export class PeerCertificate extends Construct {
  constructor(scope: Construct, id: string, props: PeerCertificateProps) {
    super(scope, id);
    certificate(this, props.name, {
      secretName: props.name,
      commonName: props.dnsNames[0],
      dnsNames: [...props.dnsNames],
      duration: '2160h',
      renewBefore: '720h',
      usages: ['digital signature', 'server auth', 'client auth'],
      privateKey,
      issuerRef: { name: props.issuer, kind: 'Issuer' },
    });
  }
}

function issuer(scope: Construct, name: string, spec: IssuerSpec): void {
  new ApiObject(scope, `issuer-${name}`, {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Issuer',
    metadata: { name },
    spec,
  });
}

function certificate(scope: Construct, name: string, spec: CertificateSpec): void {
  new ApiObject(scope, `certificate-${name}`, {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name },
    spec,
  });
}
