import { loadSecrets, SecretsError, type SecretsManager, type SecretSpec, type SecretValue } from '@finchat/secrets-core'
import type { DeclaredSecret } from '../config/config.ts'
import { doubtOf, type Fallbacks, withFallbacks } from '../config/fallbacks.ts'
import { specsOf } from '../config/secret-schema.ts'
import { exitCodeOfError, exitCodes, gravest } from '../terminal/exit-codes.ts'
import { KnownError, UsageError } from '../terminal/failure.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { operator } from './context.ts'

/** One declared secret; `absent`: it is missing, and not required. */
export interface Declared {
  readonly name: string
  readonly state: 'ok' | 'absent' | 'missing' | 'wrong' | 'failed'
  readonly code?: string
  readonly reason?: string
  readonly exitCode: number
  /** Of state `ok` alone. */
  readonly value?: SecretValue
  /** Of a value that was read, also one of state `wrong`. */
  readonly provider?: string
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

/** Reads the declared secrets in one call, and compares each with what is declared. */
export async function readDeclared(
  secrets: SecretsManager,
  declared: Readonly<Record<string, DeclaredSecret>>,
  options: ReadDeclaredOptions = {},
): Promise<readonly Declared[]> {
  const specs = Object.entries(specsOf(declared))
  if (specs.length === 0)
    throw new UsageError('the configuration declares no secrets', 'list them under "secrets" in finchat-secrets.config.json')
  const requests = specs.map(([key, { name = key, field }]) => ({ name, field }))
  return withFallbacks(async (fallbacks) => {
    const answers = await secrets.getSecretValues(requests, { actor: operator(), ...options })
    return Promise.all(
      specs.map(async ([key, spec], index) => ({
        ...(await compared(key, spec, answers.slice(index, index + 1))),
        ...originOf(spec.name ?? key, answers[index], fallbacks),
      })),
    )
  })
}

function originOf(name: string, answer: PromiseSettledResult<SecretValue> | undefined, fallbacks: Fallbacks): Partial<Declared> {
  if (answer?.status !== 'fulfilled') return {}
  const { provider, degraded, stale } = answer.value
  return { provider, degraded, stale, doubt: doubtOf(name, answer.value, fallbacks) }
}

/** Says on stderr which values may be outdated. */
export function warnOfDoubts(found: readonly Declared[], terminal: Terminal): void {
  for (const { name, doubt } of found) if (doubt !== undefined) note(terminal, `warning: ${name}: ${doubt}`)
}

/** Core compares the answer with what is declared. */
async function compared(name: string, spec: SecretSpec, answers: readonly PromiseSettledResult<SecretValue>[]): Promise<Declared> {
  try {
    const { value } = await loadSecrets({ getSecretValues: async () => answers }, { value: spec })
    const answer = answers[0]
    if (value === undefined || answer?.status !== 'fulfilled') return { name, state: 'absent', exitCode: exitCodes.ok }
    return { name, state: 'ok', exitCode: exitCodes.ok, value: answer.value }
  } catch (error) {
    if (SecretsError.isInstance(error)) return { name, ...failed(error) }
    throw error
  }
}

function failed(error: SecretsError): Omit<Declared, 'name'> {
  const { code, problem } = error
  if (code === 'INVALID_ARGUMENT') return { state: 'wrong', code, reason: problem, exitCode: exitCodes.differs }
  const exitCode = exitCodeOfError(error)
  return { state: exitCode === exitCodes.notFound ? 'missing' : 'failed', code, reason: problem, exitCode }
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
