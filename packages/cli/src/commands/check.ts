import { gravest } from '../terminal/exit-codes.ts'
import { printTable } from '../terminal/table.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'
import { type Declared, readDeclared, warnOfDoubts } from './declared.ts'

/** Reads every declared secret, and says which are missing or not what is declared. */
export default async function check(context: CommandContext, flags: CommonFlags): Promise<void> {
  const { terminal } = context
  const found = await withReadable('the secrets could not be checked', context, flags, async (secrets, declared) =>
    readDeclared(secrets, declared),
  )
  if (flags.json) terminal.stdout.write(`${JSON.stringify(found.map(shown))}\n`)
  else
    await printTable(
      { headings: ['name', 'state', 'reason'], rows: found.map((each) => [each.name, each.state, each.reason ?? '']) },
      terminal,
    )
  warnOfDoubts(found, terminal)
  context.process.exitCode = gravest(found.map(({ exitCode }) => exitCode))
}

function shown({ name, state, code, reason, provider, degraded, stale }: Declared): object {
  return { name, state, code, reason, provider, degraded, stale }
}
