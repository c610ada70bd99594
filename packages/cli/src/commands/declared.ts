import { loadSecrets, SecretsError, type SecretsManager, type SecretSpec, type SecretValue } from '@finchat/secrets-core'
import type { DeclaredSecret } from '../config/config.ts'
import { specsOf } from '../config/secret-schema.ts'
import { exitCodeOf, exitCodes, gravest } from '../terminal/exit-codes.ts'
import { KnownError, UsageError } from '../terminal/failure.ts'
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
  const requests = specs.map(([name]) => ({ name }))
  const answers = await secrets.getSecretValues(requests, { actor: operator(), ...options })
  return Promise.all(specs.map(async ([key, spec], index) => compared(key, spec, answers.slice(index, index + 1))))
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

function failed({ code, problem }: SecretsError): Omit<Declared, 'name'> {
  if (code === 'INVALID_ARGUMENT') return { state: 'wrong', code, reason: problem, exitCode: exitCodes.differs }
  const exitCode = exitCodeOf(code)
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
