import { createReadStream } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { SecretProvider } from '@finchat/secrets-core'
import { textOrBytes } from '@finchat/secrets-core/provider'
import { loadPackage } from '../config/provider-packages.ts'
import { readRegular } from '../files/read-file.ts'
import { malformed, type Values } from '../formats/document.ts'
import { readDotenv } from '../formats/dotenv.ts'
import { type Format, innerFormatOf } from '../formats/format.ts'
import { readJson } from '../formats/json.ts'
import { isManifest, isSecretIn, readKubernetes } from '../formats/kubernetes.ts'
import { assertUnsealed, assertUnsealedYaml } from '../formats/sops.ts'
import { readYaml, type Yaml } from '../formats/yaml.ts'
import { UsageError } from '../terminal/failure.ts'
import { mostBytes, pipedBytes } from '../terminal/secret-input.ts'
import type { Terminal } from '../terminal/terminal.ts'

export interface DocumentSource {
  /** A path, or `-` for what is piped in. */
  readonly from: string
  readonly format: Format
  /** For age: the file of the identity, and what is inside. */
  readonly identity?: string | undefined
  readonly inner?: string | undefined
}

/** The secrets of a file. `folder` is where packages are looked for. */
export async function readDocument(source: DocumentSource, terminal: Terminal, folder: string): Promise<Values> {
  if (source.format === 'age') return readAge(source, terminal, folder)
  const text = textOrBytes(await bytesFrom(source.from, terminal))
  if (typeof text !== 'string') throw malformed(source.format, 'is no text in UTF-8')
  const withoutMark = text.startsWith('\ufeff') ? text.slice(1) : text
  if (source.format === 'dotenv') return unsealed(readDotenv(withoutMark))
  const members = source.format === 'json' ? unsealed(readJson(withoutMark)) : undefined
  if (members !== undefined && !isManifest((name) => members.get(name))) return members
  const yaml = await loadPackage<Yaml>('yaml', 'parseAllDocuments', folder)
  assertUnsealedYaml(withoutMark, yaml)
  const isSecret = source.format !== 'yaml' || isSecretIn(withoutMark, yaml)
  return isSecret ? readKubernetes(withoutMark, yaml) : readYaml(withoutMark, yaml)
}

function unsealed(values: Values): Values {
  assertUnsealed(values)
  return values
}

async function bytesFrom(from: string, terminal: Terminal): Promise<Uint8Array> {
  return from === '-' || from === '/dev/stdin' ? piped(terminal) : bytesOf(resolve(terminal.cwd(), from), terminal)
}

async function piped({ stdin }: Terminal): Promise<Uint8Array> {
  if (!stdin.isTTY) return pipedBytes(stdin)
  throw new UsageError('nothing is piped in', 'pipe the file: finchat-secrets import --from - --format json < FILE')
}

/** The system's own message quotes the path. */
async function bytesOf(file: string, terminal: Terminal): Promise<Uint8Array> {
  const [, descriptor] = openDescriptor.exec(file) ?? []
  if (descriptor !== undefined) return bytesOfDescriptor(Number(descriptor), terminal)
  const content = readRegular(file, mostBytes)
  if ('bytes' in content) return content.bytes
  throw new UsageError(`the file of --from ${content.problem}`, 'name a file that this user may read, or pipe it and name it -')
}

/** Such as `<(…)` of a shell: a pipe that is open already, and has a writer. */
const openDescriptor = /^\/(?:dev\/fd|proc\/self\/fd)\/(\d+)$/

async function bytesOfDescriptor(descriptor: number, terminal: Terminal): Promise<Uint8Array> {
  if (descriptor === 0) return piped(terminal)
  try {
    return await pipedBytes(createReadStream('', { fd: descriptor, autoClose: false }))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('the pipe of --from cannot be read', 'pipe it, and name it -')
  }
}

type AgeEntry = typeof import('@finchat/secrets-provider-file/age')

/** As the provider of age files reads it. */
async function readAge({ from, identity, inner }: DocumentSource, { cwd }: Terminal, folder: string): Promise<Values> {
  if (identity === undefined) throw new UsageError('an age file needs an identity', 'name the file of it by --identity')
  if (from === '-') throw new UsageError('an age file is not read from a pipe', 'name it by --from, or pipe what `age -d` prints')
  const { ageDocument } = await loadPackage<AgeEntry>('@finchat/secrets-provider-file/age', 'ageDocument', folder)
  const format = innerFormatOf(inner, basename(from))
  return valuesOf(ageDocument({ file: resolve(cwd(), from), identity: { file: resolve(cwd(), identity) }, format }))
}

async function valuesOf(provider: Pick<SecretProvider, 'list' | 'getMany'>): Promise<Values> {
  const context = { signal: new AbortController().signal }
  const paths: string[] = []
  for await (const { path } of provider.list?.('', context) ?? []) paths.push(path)
  const answers = (await provider.getMany?.(paths, context)) ?? []
  return new Map(
    answers.flatMap((answer, index) => {
      if (answer.status === 'rejected') throw answer.reason
      return answer.value === undefined ? [] : [[paths[index] ?? '', answer.value.value] as const]
    }),
  )
}
