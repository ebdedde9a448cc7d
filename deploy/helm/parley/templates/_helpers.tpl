{{- define "parley.labels" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "parley.selector" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "parley.name" -}}
{{ printf "%s-%s" .root.Release.Name .part | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "parley.image" -}}
{{- $registry := .root.Values.image.registry | trimSuffix "/" -}}
image: {{ with $registry }}{{ . }}/{{ end }}parley-{{ .part }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end }}

{{/* The pod's part of what makes a container harmless; the user is the images'. */}}
{{- define "parley.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "parley.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Pods of a part on different machines, where there are some. */}}
{{- define "parley.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "parley.selector" . | nindent 8 }}
{{- end }}

{{- define "parley.livekitKeys" -}}
- name: LIVEKIT_API_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.livekit.existingSecret }}, key: LIVEKIT_API_KEY}}
- name: LIVEKIT_API_SECRET
  valueFrom: {secretKeyRef: {name: {{ .Values.livekit.existingSecret }}, key: LIVEKIT_API_SECRET}}
{{- end }}

{{- define "parley.modelserverToken" -}}
- name: AGENT_MODELSERVER_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .Values.modelServer.tokenSecret }}, key: AGENT_MODELSERVER_TOKEN}}
{{- end }}

{{- define "parley.claim" -}}
{{ .Values.models.existingClaim | default (printf "%s-models" .Release.Name) }}
{{- end }}

{{/* Whether pods read their weights from a volume. */}}
{{- define "parley.hasClaim" -}}
{{- if and .Values.modelServer.enabled (eq .Values.models.source "claim") }}yes{{ end }}
{{- end }}

{{- define "parley.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: run, mountPath: /var/lib/parley/run}
{{- if include "parley.hasClaim" . }}
- {name: models, mountPath: /var/lib/parley/models, readOnly: true}
{{- end }}
{{- end }}

{{- define "parley.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
- {name: run, emptyDir: {sizeLimit: 256Mi}}
{{- if include "parley.hasClaim" . }}
- {name: models, persistentVolumeClaim: {claimName: {{ include "parley.claim" . }}, readOnly: true}}
{{- end }}
{{- end }}

{{- define "parley.dns" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}
{{- define "parley.namespace" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ . }}}
{{- end }}

{{- define "parley.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Percent, value: 100, periodSeconds: 30}
scaleDown:
  stabilizationWindowSeconds: {{ .scaleDownSeconds }}
  policies:
    - {type: Pods, value: 1, periodSeconds: {{ .scaleDownSeconds }}}
{{- end }}
