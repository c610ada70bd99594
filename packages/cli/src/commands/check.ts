import { loadSecrets, SecretsError, type SecretsManager, type SecretSpec, type SecretValue } from '@finchat/secrets-core'
import type { DeclaredSecret } from '../config/config.ts'
import { specsOf } from '../config/secret-schema.ts'
import { exitCodeOf, exitCodes, gravest } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { printTable } from '../terminal/table.ts'
import { type CommandContext, type CommonFlags, operator, withReadable } from './context.ts'

/** One declared secret; `absent`: it is missing, and not required. */
interface Checked {
  readonly name: string
  readonly state: 'ok' | 'absent' | 'missing' | 'wrong' | 'failed'
  readonly code?: string
  readonly reason?: string
  readonly exitCode: number
}

/** Reads every declared secret, and says which are missing or not what is declared. */
export default async function check(context: CommandContext, flags: CommonFlags): Promise<void> {
  const { terminal } = context
  const found = await withReadable('the secrets could not be checked', context, flags, checkAll)
  if (flags.json)
    terminal.stdout.write(`${JSON.stringify(found.map(({ name, state, code, reason }) => ({ name, state, code, reason })))}\n`)
  else
    await printTable(
      { headings: ['name', 'state', 'reason'], rows: found.map((each) => [each.name, each.state, each.reason ?? '']) },
      terminal,
    )
  context.process.exitCode = gravest(found.map(({ exitCode }) => exitCode))
}

async function checkAll(secrets: SecretsManager, declared: Readonly<Record<string, DeclaredSecret>>): Promise<readonly Checked[]> {
  const specs = Object.entries(specsOf(declared))
  if (specs.length === 0)
    throw new UsageError('the configuration declares no secrets', 'list them under "secrets" in finchat-secrets.config.json')
  const requests = specs.map(([key, { name = key, field }]) => ({ name, field }))
  const answers = await secrets.getSecretValues(requests, { actor: operator() })
  return Promise.all(specs.map(async ([key, spec], index) => checkOne(key, spec, answers.slice(index, index + 1))))
}

/** Core compares the answer with what is declared. */
async function checkOne(name: string, spec: SecretSpec, answers: readonly PromiseSettledResult<SecretValue>[]): Promise<Checked> {
  try {
    const { value } = await loadSecrets({ getSecretValues: async () => answers }, { value: spec })
    return { name, state: value === undefined ? 'absent' : 'ok', exitCode: exitCodes.ok }
  } catch (error) {
    if (SecretsError.isInstance(error)) return { name, ...failed(error) }
    throw error
  }
}

function failed({ code, problem }: SecretsError): Omit<Checked, 'name'> {
  if (code === 'INVALID_ARGUMENT') return { state: 'wrong', code, reason: problem, exitCode: exitCodes.differs }
  const exitCode = exitCodeOf(code)
  return { state: exitCode === exitCodes.notFound ? 'missing' : 'failed', code, reason: problem, exitCode }
}
