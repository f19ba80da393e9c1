apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cm, labels: { app.kubernetes.io/part-of: argocd } }
data: { url: "https://{{ .Values.global.domain }}" }
{{- range list "argocd-application-controller" "argocd-server" "argocd-repo-server" "argocd-redis" }}
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: {{ . }} }
---
apiVersion: apps/v1
kind: {{ eq . "argocd-application-controller" | ternary "StatefulSet" "Deployment" }}
metadata: { name: {{ . }} }
spec:
  {{- if eq . "argocd-application-controller" }}
  serviceName: {{ . }}
  {{- end }}
  selector: { matchLabels: { app.kubernetes.io/name: {{ . }} } }
  template:
    metadata: { labels: { app.kubernetes.io/name: {{ . }} } }
    spec:
      serviceAccountName: {{ . }}
      securityContext: { runAsNonRoot: true, runAsUser: 999, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: main
          image: stand-in:1
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
{{- end }}
---
apiVersion: v1
kind: Service
metadata: { name: argocd-server }
spec:
  selector: { app.kubernetes.io/name: argocd-server }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
