import { packValues } from '../sealed/packed-values.ts'
import { CommandError, failureOf } from '../terminal/failure.ts'
import { printFailure } from '../terminal/print-failure.ts'
import { withReadable } from '../commands/context.ts'
import { withConfigHint } from '../commands/no-config.ts'
import { assertUsable, readDeclared, warnOfDoubts } from '../commands/declared.ts'

const what = 'the application was not started'

/** Reads the declared secrets by the configuration of the current folder. */
export async function readValues(program: NodeJS.Process): Promise<Uint8Array> {
  return withReadable(what, { terminal: program }, {}, async (secrets, declared) => {
    const found = await readDeclared(secrets, declared)
    assertUsable(found)
    warnOfDoubts(found, program)
    return packValues(Object.fromEntries(found.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value.reveal()]]))))
  })
}

/** Ends the process before the first line of the application. */
export function refuseToStart(error: unknown, program: NodeJS.Process): never {
  const failure = failureOf(error instanceof CommandError ? error : new CommandError(what, error))
  printFailure(withConfigHint(failure, ['run'], program), false, program)
  program.exit(failure.exitCode)
}
