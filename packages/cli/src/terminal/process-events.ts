import { systemCode } from '@finchat/secrets-core/provider'
import { exitCodes } from './exit-codes.ts'
import { type Failure, failureOf, InterruptedError } from './failure.ts'
import { inCommands } from './in-commands.ts'
import { printFailure } from './print-failure.ts'
import { visible } from './visible.ts'

/** Warnings in one line each. Node 22 warns of `node:sqlite`, which its users cannot act on. */
export function quietWarnings(program: NodeJS.Process): void {
  program.removeAllListeners('warning')
  program.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') program.stderr.write(`warning: ${visible(inCommands(message))}\n`)
  })
}

/**
 * A reader that has enough, as `head` has, ends nothing: the exit code tells of the work, which goes on. Without
 * stderr it goes on too. A crash prints neither its stack nor its message.
 */
export function endQuietly(program: NodeJS.Process): void {
  program.stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') endUnwritten(program)
  })
  program.stderr.on('error', () => undefined)
  program.on('uncaughtException', (error) => {
    printFailure(failureOf(error), program.argv.includes('--json'), program)
    program.exit(exitCodes.other)
  })
}

/**
 * Ends as by Ctrl-C where nothing is left that could answer a question, such as the end of the
 * terminal. Node.js would end with 13 and a warning. Returns the function that ends this watch.
 */
export function endUnanswered(program: NodeJS.Process): () => void {
  const end = (): void => {
    if (program.stderr.isTTY) program.stderr.write(showCursor)
    const failure = failureOf(new InterruptedError())
    printFailure(failure, program.argv.includes('--json'), program)
    program.exit(failure.exitCode)
  }
  program.once('beforeExit', end)
  return () => void program.off('beforeExit', end)
}

const showCursor = '\u001b[?25h'

function endUnwritten(program: NodeJS.Process): never {
  printFailure(unwritten, program.argv.includes('--json'), program)
  program.exit(exitCodes.other)
}

const unwritten: Failure = {
  what: 'the output is not complete',
  why: 'it cannot be written: the disk may be full',
  remedy: 'make room, or write it elsewhere; stored values stay stored',
  code: 'INTERNAL',
  exitCode: exitCodes.other,
}
