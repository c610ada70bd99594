import { textOrBytes } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'
import { type DocumentWriter, malformed, uniqueValues, type Value, type Values } from './document.ts'
import { contentsOf, doubleQuoted, entriesOf, type Yaml } from './yaml.ts'

/** What etcd and the API server take as one Secret, names and values together. */
const mostSecretBytes = 1_048_576

/** Whether a file of another format is a manifest of one `Secret`, as kubectl writes it in YAML and JSON. */
export function isManifest(member: (name: string) => unknown): boolean {
  return member('kind') === 'Secret' && member('apiVersion') === 'v1'
}

export function isSecretIn(text: string, yaml: Yaml): boolean {
  const contents = contentsOf(text, yaml)
  return yaml.isMap(contents) && isManifest((name) => contents.get(name))
}

/** Reads one `Secret`, in YAML or JSON: `data` in base64, `stringData` as text, which goes over it. */
export function readKubernetes(text: string, yaml: Yaml): Values {
  const manifest = contentsOf(text, yaml)
  if (!yaml.isMap(manifest) || String(manifest.get('kind')) !== 'Secret') throw malformed('k8s', 'is no manifest of one Secret')
  const entries = (member: string): ReturnType<typeof entriesOf> =>
    manifest.has(member) ? entriesOf(manifest.get(member, true), yaml) : []
  const data = entries('data').map(([name, base64]) => [name, decoded(base64)] as const)
  return new Map([...uniqueValues('k8s', data), ...uniqueValues('k8s', entries('stringData'))])
}

function decoded(base64: string): Value {
  // No regular expression: RegExp.input would keep the value.
  const joined = base64.replaceAll('\n', '').replaceAll(' ', '')
  const bytes = Buffer.from(joined, 'base64')
  if (bytes.toString('base64') !== joined) throw malformed('k8s', 'has data that is no base64')
  return textOrBytes(bytes)
}

/** Writes a manifest for `kubectl apply --server-side`, which keeps no copy of it. It is base64, which is no encryption. */
export function kubernetesWriter(secretName: string): DocumentWriter {
  if (!isObjectName(secretName))
    throw new UsageError('--secret-name is no name of a Kubernetes object', 'use small letters, digits, - and ., such as app-secrets')
  return {
    problem: (name) => (isKey(name) ? undefined : 'a key has 1 to 253 letters, digits, -, _ and .'),
    write: (values) => {
      assertSmall(values)
      const data = [...values].map(
        ([name, value]) => `  ${doubleQuoted(name)}: ${doubleQuoted(Buffer.from(value as string).toString('base64'))}\n`,
      )
      const head = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${doubleQuoted(secretName)}\ntype: Opaque\n`
      return data.length === 0 ? `${head}data: {}\n` : `${head}data:\n${data.join('')}`
    },
  }
}

function assertSmall(values: Values): void {
  const bytes = [...values].reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0)
  if (bytes > mostSecretBytes)
    throw new UsageError('the secrets are larger than the 1 MiB of one Kubernetes Secret', 'write several, by --only')
}

function isKey(name: string): boolean {
  return /^[-._a-zA-Z0-9]{1,253}$/.test(name) && name !== '.' && !name.startsWith('..')
}

function isObjectName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((part) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(part))
}
