// The Kubernetes API classes come with cdk8s-plus-28; this file gives them one place to be imported from.
export * from 'cdk8s-plus-28/lib/imports/k8s.js';
