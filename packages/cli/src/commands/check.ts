import { gravest } from '../terminal/exit-codes.ts'
import { printTable } from '../terminal/table.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'
import { type Declared, readDeclared, warnOfDoubts } from './declared.ts'

/** Reads every declared secret, and says which provider has it, and which are missing or not what is declared. */
export default async function check(context: CommandContext, flags: CommonFlags): Promise<void> {
  const { terminal } = context
  const found = await withReadable('the secrets could not be checked', context, flags, async (secrets, declared) =>
    readDeclared(secrets, declared),
  )
  if (flags.json) terminal.stdout.write(`${JSON.stringify(found.map(shownAsJson))}\n`)
  else {
    const rows = found.map(({ name, state, provider = '', reason = '' }) => [name, state, provider, reason])
    await printTable({ headings: ['name', 'state', 'provider', 'reason'], rows }, terminal)
  }
  warnOfDoubts(found, terminal)
  context.process.exitCode = gravest(found.map(({ exitCode }) => exitCode))
}

function shownAsJson({ name, state, provider, code, reason, degraded, stale }: Declared): object {
  return { name, state, provider, code, reason, degraded, stale }
}
