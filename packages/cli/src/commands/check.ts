import type { SecretsError } from '@finchat/secrets-core'
import { gravest } from '../terminal/exit-codes.ts'
import { printTable } from '../terminal/table.ts'
import { refusedPolicies } from '../rotation/policy.ts'
import { inCommands } from '../terminal/in-commands.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'
import { type Declared, readDeclared, warnOfDoubts } from './declared.ts'

/** Reads every declared secret, and says which provider has it, and which are missing or not what is declared. */
export default async function check(context: CommandContext, flags: CommonFlags): Promise<void> {
  const { terminal } = context
  const { found, refused } = await withReadable(
    'the secrets could not be checked',
    context,
    flags,
    async (secrets, declared, settings) => ({
      found: await readDeclared(secrets, declared),
      refused: await refusedPolicies(settings.config, settings),
    }),
  )
  if (flags.json) terminal.stdout.write(`${JSON.stringify(found.map(shownAsJson))}\n`)
  else {
    const rows = found.map(({ name, state, provider = '', reason = '' }) => [name, state, provider, reason])
    await printTable({ headings: ['name', 'state', 'provider', 'reason'], rows }, terminal)
  }
  warnOfDoubts(found, terminal)
  warnOfRefused(Object.values(refused ?? {}), terminal)
  context.process.exitCode = gravest(found.map(({ exitCode }) => exitCode))
}

/** The values are right all the same: the exit code is theirs. */
function warnOfRefused(refused: readonly SecretsError[], terminal: Terminal): void {
  for (const { problem, remedy } of refused)
    note(terminal, `warning: \`rotate --due\` refuses ${problem}${remedy === undefined ? '' : `: ${inCommands(remedy)}`}`)
}

function shownAsJson({ name, state, provider, code, reason, degraded, stale }: Declared): object {
  return { name, state, provider, code, reason, degraded, stale }
}
