{{- range list "api" "controller" "management-controller" "webhooks-server" "external-webhooks-server" "garbage-collector" }}
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: kargo-{{ . }} }
{{- end }}
{{- if .Values.webhooks.register }}
---
# Under Kargo's name, for objects that nobody makes: there is no server behind it.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: kargo }
webhooks:
  - name: nothing.kargo.akuity.io
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: { service: { name: kargo-webhooks-server, namespace: {{ .Release.Namespace }} } }
    rules: [{ apiGroups: [kargo.akuity.io], apiVersions: [v1alpha1], resources: [nothings], operations: [CREATE] }]
{{- end }}
{{- if .Values.workloads.install }}
{{- range list "api" "controller" "management-controller" "webhooks-server" "external-webhooks-server" }}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: kargo-{{ . }} }
spec:
  selector: { matchLabels: { app.kubernetes.io/name: kargo, app.kubernetes.io/component: {{ . }} } }
  template:
    metadata: { labels: { app.kubernetes.io/name: kargo, app.kubernetes.io/component: {{ . }} } }
    spec:
      serviceAccountName: kargo-{{ . }}
      containers:
        - name: main
          image: "{{ $.Values.image.repository }}:{{ $.Values.image.tag }}"
          securityContext: {{ $.Values.global.securityContext | toJson }}
---
apiVersion: v1
kind: Service
metadata: { name: kargo-{{ . }} }
spec:
  selector: { app.kubernetes.io/name: kargo, app.kubernetes.io/component: {{ . }} }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
{{- end }}
{{- end }}
