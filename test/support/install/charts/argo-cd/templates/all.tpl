apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {url: {{ .Values.url | quote }}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: argocd-application-controller }
spec:
  replicas: 1
  serviceName: argocd-application-controller
  selector: { matchLabels: { app: argocd-application-controller } }
  template:
    metadata: { labels: { app: argocd-application-controller } }
    spec: { containers: [{ name: controller, image: "stand-in:1" }] }
