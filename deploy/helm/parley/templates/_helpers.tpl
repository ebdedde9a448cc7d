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

{{/* The profile whose engines workers and model server take. */}}
{{- define "parley.profile" -}}
{{ .Values.settings.AGENT_PROFILE | default (ternary "local" "embedded" .Values.modelServer.enabled) }}
{{- end }}

{{/* Refuses values that are each right and together make a release that cannot start. */}}
{{- define "parley.check" -}}
{{- $settings := .Values.settings }}
{{- $profile := include "parley.profile" . }}
{{- if .Values.modelServer.enabled }}
{{- if hasKey $settings "AGENT_MODELSERVER" }}
{{- fail "settings.AGENT_MODELSERVER is another model server's address: leave it out, or set modelServer.enabled=false." }}
{{- end }}
{{- if not (or (has $profile (list "local" "hybrid" "auto")) $settings.AGENT_STT $settings.AGENT_TTS) }}
{{- fail (printf "modelServer.enabled has nothing to serve with settings.AGENT_PROFILE=%s: take local, or name a local engine by settings.AGENT_STT or settings.AGENT_TTS." $profile) }}
{{- end }}
{{- else if and (eq $profile "local") (ne .Values.models.source "baked") (not $settings.AGENT_MODELSERVER) }}
{{- fail "settings.AGENT_PROFILE=local has no weights: set modelServer.enabled=true, or models.source=baked for images that bring them." }}
{{- end }}
{{- if and .Values.web.enabled .Values.web.ingress.enabled }}
{{- range $name, $value := dict "AGENT_WEB_HOSTS" "host" "AGENT_WEB_PROXIES" "proxies" }}
{{- if hasKey $settings $name }}
{{- fail (printf "settings.%s comes from web.ingress.%s: leave it out of settings, or set web.ingress.enabled=false." $name $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Has a pod wait until the weights that the job downloads are there and whole. */}}
{{- define "parley.waitForWeights" -}}
{{- if and (include "parley.hasClaim" .root) .root.Values.models.download }}
initContainers:
  - name: weights
    {{- include "parley.image" . | nindent 4 }}
    {{- include "parley.container" . | nindent 4 }}
    command: [tini, --, sh, -c, 'until parley download --check "$@"; do sleep 5; done', weights]
    args: {{- toYaml .root.Values.models.download | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 1Gi}
    volumeMounts: {{- include "parley.mounts" .root | nindent 6 }}
{{- end }}
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
