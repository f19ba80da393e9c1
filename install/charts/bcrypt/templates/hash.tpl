hash: {{ .Values.password | b64dec | bcrypt }}
