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

{{- define "parley.llamaUrl" -}}
http://{{ include "parley.name" (dict "root" . "part" "llama") }}:8000
{{- end }}

{{/* The language models of workers; empty where the profile says. */}}
{{- define "parley.llm" -}}
{{- if .Values.settings.AGENT_LLM -}}
{{ .Values.settings.AGENT_LLM }}
{{- else if .Values.llama.enabled -}}
llama_cpp:{{ include "parley.llamaUrl" . }}{{ if eq (include "parley.profile" .) "hybrid" }}, openai{{ end }}
{{- end }}
{{- end }}

{{/* Whether workers ask our llama.cpp server: only then they are told its key. */}}
{{- define "parley.asksLlama" -}}
{{- $host := include "parley.name" (dict "root" . "part" "llama") | regexQuoteMeta }}
{{- $full := printf "llama_cpp:http://%s([.]%s([.]svc[.a-z0-9-]*)?)?:8000/?( *,| *$)" $host (regexQuoteMeta .Release.Namespace) }}
{{- if and .Values.llama.enabled (regexMatch $full (include "parley.llm" .)) }}yes{{ end }}
{{- end }}

{{- define "parley.llamaKey" -}}
valueFrom: {secretKeyRef: {name: {{ .Values.llama.keySecret }}, key: AGENT_LLM_SERVER_KEY}}
{{- end }}

{{/* The limits of a container with what it takes of NVIDIA's. */}}
{{- define "parley.resources" -}}
{{- $resources := deepCopy .resources }}
{{- if .gpus }}
{{- $_ := set $resources "limits" (merge (dict "nvidia.com/gpu" .gpus) ($resources.limits | default dict)) }}
{{- end }}
{{- toYaml $resources }}
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
{{- if .Values.llama.enabled }}
{{- if and (eq .Values.models.source "baked") (not .Values.llama.repository) }}
{{- fail "llama.enabled has no weights, since llama.cpp's image brings none: name some by llama.repository, or take models.source=claim." }}
{{- end }}
{{- if and (not (include "parley.asksLlama" .)) (regexMatch "(^|,) *llama_cpp *(:[^/]*)?(,|$)" (include "parley.llm" .)) }}
{{- fail (printf "settings.AGENT_LLM has workers run a llama.cpp of their own: write llama_cpp:%s in its place, set llama.model, or set llama.enabled=false." (include "parley.llamaUrl" .)) }}
{{- end }}
{{- end }}
{{- if and .Values.web.enabled .Values.web.ingress.enabled }}
{{- range $name, $value := dict "AGENT_WEB_HOSTS" "host" "AGENT_WEB_PROXIES" "proxies" }}
{{- if hasKey $settings $name }}
{{- fail (printf "settings.%s comes from web.ingress.%s: leave it out of settings, or set web.ingress.enabled=false." $name $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Has a pod wait until weights that the job downloads are there and whole. */}}
{{- define "parley.waitForWeights" -}}
{{- if and (include "parley.hasClaim" .root) .root.Values.models.download }}
{{- include "parley.waiting" (merge (dict "names" .root.Values.models.download) .) }}
{{- end }}
{{- end }}
{{- define "parley.waiting" -}}
initContainers:
  - name: weights
    {{- include "parley.image" . | nindent 4 }}
    {{- include "parley.container" . | nindent 4 }}
    command: [tini, --, sh, -c, 'until parley download --check "$@"; do sleep 5; done', weights]
    args: {{- toYaml .names | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 1Gi}
    volumeMounts:
      {{- include "parley.ownMounts" .root | nindent 6 }}
      {{- include "parley.weightsMount" .root | nindent 6 }}
{{- end }}

{{/* Whether workers and model server read their weights from a volume. */}}
{{- define "parley.hasClaim" -}}
{{- if and .Values.modelServer.enabled (eq .Values.models.source "claim") }}yes{{ end }}
{{- end }}

{{/* Whether llama.cpp's server does. */}}
{{- define "parley.llamaHasClaim" -}}
{{- if and .Values.llama.enabled (not .Values.llama.repository) }}yes{{ end }}
{{- end }}

{{/* What the job downloads of llama.cpp's; empty for a file that was put into the volume. */}}
{{- define "parley.llamaWeights" -}}
{{- if and (include "parley.llamaHasClaim" .) .Values.models.download (not (hasPrefix "/" .Values.llama.model)) }}llama_cpp:{{ .Values.llama.model }}{{ end }}
{{- end }}

{{/* What the job downloads, as JSON. */}}
{{- define "parley.downloads" -}}
{{- $names := ternary .Values.models.download list (eq (include "parley.hasClaim" .) "yes") }}
{{- with include "parley.llamaWeights" . }}{{ $names = append $names . | uniq }}{{ end }}
{{- toJson $names }}
{{- end }}

{{- define "parley.ownMounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: run, mountPath: /var/lib/parley/run}
{{- end }}

{{- define "parley.weightsMount" -}}
- {name: models, mountPath: /var/lib/parley/models, readOnly: true}
{{- end }}

{{- define "parley.mounts" -}}
{{- include "parley.ownMounts" . }}
{{- if include "parley.hasClaim" . }}
{{ include "parley.weightsMount" . }}
{{- end }}
{{- end }}

{{- define "parley.ownVolumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
- {name: run, emptyDir: {sizeLimit: 256Mi}}
{{- end }}

{{- define "parley.weightsVolume" -}}
- {name: models, persistentVolumeClaim: {claimName: {{ include "parley.claim" . }}, readOnly: true}}
{{- end }}

{{- define "parley.volumes" -}}
{{- include "parley.ownVolumes" . }}
{{- if include "parley.hasClaim" . }}
{{ include "parley.weightsVolume" . }}
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
