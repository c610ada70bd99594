import { SecretsError, type SecretsManager, type SecretValue } from '@finchat/secrets-core'
import { hasCode, textOrBytes } from '@finchat/secrets-core/provider'
import type { DeclaredSecret } from '../config/config.ts'
import { doubtOf, type Fallbacks, withFallbacks } from '../declared/fallbacks.ts'
import { exitCodeOfError } from '../terminal/exit-codes.ts'
import { wholeBytes } from '../transfer/content.ts'
import { secretParts } from '../forms/secret-parts.ts'
import { type SoughtSecret, ValueMatcher } from './value-matcher.ts'

/** A declared secret that cannot be looked for. */
export interface UnreadSecret {
  readonly name: string
  readonly code: string
  readonly reason: string
  readonly exitCode: number
}

/** The values to look for, as their matcher, and what is left out. */
export interface KnownValues {
  readonly matcher: ValueMatcher
  readonly tooShort: readonly string[]
  readonly unread: readonly UnreadSecret[]
  /** Declared secrets whose current value may be another one, and why. */
  readonly doubts: readonly Doubt[]
}

interface Doubt {
  readonly name: string
  readonly reason: string
}

export interface Reader {
  readonly secrets: SecretsManager
  readonly actor: string | undefined
  /** Also the former versions that the store has. */
  readonly withVersions: boolean
}

interface Request {
  readonly name: string
  readonly isRequired: boolean
}

/** Reads what is declared, once. The values are gone when the manager is closed. */
export async function readKnownValues(declared: Readonly<Record<string, DeclaredSecret>>, reader: Reader): Promise<KnownValues> {
  const requests = Object.entries(declared).map(([name, { required = true }]): Request => ({ name, isRequired: required }))
  const asked = requests.map(({ name }) => ({ name }))
  const found: Found = { matcher: new ValueMatcher(), tooShort: [], unread: [], doubts: [] }
  const answers = await withFallbacks(async (fallbacks) => {
    const read = requests.length === 0 ? [] : await reader.secrets.getSecretValues(asked, { actor: reader.actor })
    found.doubts.push(...doubtsOf(requests, read, fallbacks))
    return read
  })
  for (const [index, request] of requests.entries()) {
    const answer = answers[index]
    if (answer?.status !== 'fulfilled') found.unread.push(...unreadOf(request, answer?.reason))
    else if (!addValue(found.matcher, { name: request.name }, answer.value)) found.tooShort.push(request.name)
    if (answer?.status === 'fulfilled' && reader.withVersions) await addVersions(found, reader, request, answer.value)
  }
  return found
}

interface Found extends KnownValues {
  readonly tooShort: string[]
  readonly unread: UnreadSecret[]
  readonly doubts: Doubt[]
}

function doubtsOf(requests: readonly Request[], answers: readonly PromiseSettledResult<SecretValue>[], fallbacks: Fallbacks): Doubt[] {
  return requests.flatMap(({ name }, index) => {
    const answer = answers[index]
    const reason = answer?.status === 'fulfilled' ? doubtOf(name, answer.value, fallbacks) : undefined
    return reason === undefined ? [] : [{ name, reason }]
  })
}

/** What is not required may be absent. */
function unreadOf({ name, isRequired }: Request, error: unknown): UnreadSecret[] {
  if (!SecretsError.isInstance(error)) throw error
  const { code, problem } = error
  return code === 'NOT_FOUND' && !isRequired ? [] : [{ name, code, reason: problem, exitCode: exitCodeOfError(error) }]
}

/** The value, and the secrets in it. False if all of it is too short. */
function addValue(matcher: ValueMatcher, secret: SoughtSecret, value: SecretValue): boolean {
  const whole = wholeBytes(value)
  const text = textOrBytes(whole)
  const inside = typeof text === 'string' ? secretParts(text) : []
  const named = inside.map(({ field, text: part }) => ({ name: `${secret.name}#${field}`, bytes: Buffer.from(part) }))
  const parts = [{ name: secret.name, bytes: whole }, ...named]
  const added = parts.map(({ name, bytes }) => matcher.add({ ...secret, name }, bytes))
  for (const { bytes } of parts) bytes.fill(0)
  return added.includes(true)
}

async function addVersions(found: Found, { secrets, actor }: Reader, request: Request, current: SecretValue): Promise<void> {
  const { name } = request
  const read = async (version: number | 'previous'): Promise<void> => {
    const value = await secrets.getSecretValue(name, { version, actor })
    addValue(found.matcher, { name, version }, value)
  }
  const tried = async (label: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND', 'DELETED', 'UNSUPPORTED')) found.unread.push(...unreadOf({ ...request, name: label }, error))
    }
  }
  await tried(`${name} (its versions)`, async () => {
    const { versions } = await secrets.describeSecret(name, { actor })
    const numbers = versions?.flatMap(({ version }) => (version === undefined || version === current.version ? [] : [version]))
    for (const version of numbers ?? ['previous' as const]) await tried(`${name} (version ${version})`, async () => read(version))
  })
}
