apiVersion: v1
kind: ServiceAccount
metadata: {name: kargo-controller}
{{- if .Values.webhooks.register }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: {{ .Release.Namespace }}-webhooks}
webhooks:
  - name: nothing.kargo.invalid
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: {service: {name: webhooks, namespace: {{ .Release.Namespace }}}}
    rules: [{apiGroups: [nothing.invalid], apiVersions: [v1], resources: [nothings], operations: [CREATE]}]
{{- end }}
{{- if .Values.workloads.install }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: kargo-controller}
spec:
  selector: {matchLabels: {app: kargo-controller}}
  template:
    metadata: {labels: {app: kargo-controller}}
    spec: {serviceAccountName: kargo-controller, containers: [{name: controller, image: "stand-in:1"}]}
{{- end }}
