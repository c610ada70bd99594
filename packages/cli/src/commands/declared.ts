import { SecretsError, type SecretsManager, type SecretValue } from '@finchat/secrets-core'
import type { DeclaredSecret } from '../config/config.ts'
import { brokenRule, wordsOf } from '../declared/declared-rules.ts'
import { doubtOf, type Fallbacks, withFallbacks } from '../declared/fallbacks.ts'
import { exitCodeOfError, exitCodes, gravest } from '../terminal/exit-codes.ts'
import { KnownError, UsageError } from '../terminal/failure.ts'
import { note, operator, type Terminal } from '../terminal/terminal.ts'

/** One declared secret; `absent`: it is missing, and not required. */
export interface Declared {
  readonly name: string
  readonly state: 'ok' | 'absent' | 'missing' | 'wrong' | 'failed'
  /** The provider that answered, or that failed. */
  readonly provider?: string | undefined
  readonly code?: string
  readonly reason?: string
  readonly exitCode: number
  /** Of state `ok` alone. */
  readonly value?: SecretValue
  /** Of a value that was read, also one of state `wrong`. */
  readonly degraded?: boolean
  readonly stale?: boolean
  /** Why the value may be outdated, if an earlier provider could not be asked. */
  readonly doubt?: string | undefined
}

export interface ReadDeclaredOptions {
  /** Asks the stores, not the cache. */
  readonly fresh?: boolean
  readonly signal?: AbortSignal
}

/** For commands that take declared secrets alone. */
export function nothingDeclared(): UsageError {
  const remedy = 'list them under "secrets" in finchat-secrets.config.json, or write each by `finchat-secrets set NAME --declare`'
  return new UsageError('the configuration declares no secrets', remedy)
}

/** Reads the declared secrets in one call, and compares each with what is declared. */
export async function readDeclared(
  secrets: SecretsManager,
  declared: Readonly<Record<string, DeclaredSecret>>,
  options: ReadDeclaredOptions = {},
): Promise<readonly Declared[]> {
  const entries = Object.entries(declared)
  if (entries.length === 0) throw nothingDeclared()
  const requests = entries.map(([name]) => ({ name }))
  return withFallbacks(async (fallbacks) => {
    const answers = await secrets.getSecretValues(requests, { actor: operator(), ...options })
    return entries.map(([name, secret], index) => ({
      name,
      ...compared(secret, answers[index]),
      ...originOf(name, answers[index], fallbacks),
    }))
  })
}

function originOf(name: string, answer: PromiseSettledResult<SecretValue> | undefined, fallbacks: Fallbacks): Partial<Declared> {
  if (answer?.status !== 'fulfilled') return {}
  const { provider, degraded, stale } = answer.value
  return { provider, degraded, stale, doubt: doubtOf(name, answer.value, fallbacks) }
}

/** Says on stderr which values may be outdated. */
export function warnOfDoubts(found: readonly Declared[], terminal: Pick<Terminal, 'stderr'>): void {
  for (const { name, doubt } of found) if (doubt !== undefined) note(terminal, `warning: ${name}: ${doubt}`)
}

type Answer = PromiseSettledResult<SecretValue> | undefined

function compared(declared: DeclaredSecret, answer: Answer): Omit<Declared, 'name'> {
  if (answer?.status !== 'fulfilled') return unread(declared, answer?.reason)
  const { value } = answer
  const { provider } = value
  const reason = brokenRule(declared, value)
  if (reason === undefined) return { state: 'ok', provider, exitCode: exitCodes.ok, value }
  return { state: 'wrong', provider, code: 'INVALID_ARGUMENT', reason, exitCode: exitCodes.differs }
}

function unread({ required = true }: DeclaredSecret, error: unknown): Omit<Declared, 'name'> {
  if (!SecretsError.isInstance(error)) throw error
  const { code, provider } = error
  if (code === 'NOT_FOUND' && !required) return { state: 'absent', exitCode: exitCodes.ok }
  if (code === 'INVALID_ARGUMENT') return { state: 'wrong', provider, code, reason: wordsOf(error), exitCode: exitCodes.differs }
  const exitCode = exitCodeOfError(error)
  return { state: exitCode === exitCodes.notFound ? 'missing' : 'failed', provider, code, reason: error.problem, exitCode }
}

/** Throws an error that lists all that is wrong, as `check` does. */
export function assertUsable(found: readonly Declared[]): void {
  const wrong = found.filter(({ exitCode }) => exitCode !== 0)
  if (wrong.length === 0) return
  const lines = wrong.map(({ name, state, reason, code }) => `\n${name}: ${state}: ${reason} (${code})`)
  throw new KnownError(`${wrong.length} of the declared secrets cannot be used${lines.join('')}`, 'see `finchat-secrets check`', {
    code: wrong[0]?.code ?? 'NOT_FOUND',
    exitCode: gravest(wrong.map(({ exitCode }) => exitCode)),
  })
}
