import { exitCodes } from './exit-codes.ts'
import { failureOf } from './failure.ts'
import { printFailure } from './print-failure.ts'
import { visible } from './visible.ts'

/** Warnings in one line each. Node 22 warns of `node:sqlite`, which its users cannot act on. */
export function quietWarnings(program: NodeJS.Process): void {
  program.removeAllListeners('warning')
  program.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') program.stderr.write(`warning: ${visible(message)}\n`)
  })
}

/** A reader that has enough, as `head` has, is no error; a crash prints neither its stack nor its message. */
export function endQuietly(program: NodeJS.Process): void {
  for (const stream of [program.stdout, program.stderr]) stream.on('error', (error: NodeJS.ErrnoException) => program.exit(codeOf(error)))
  program.on('uncaughtException', (error) => {
    printFailure(failureOf(error), program.argv.includes('--json'), program)
    program.exit(exitCodes.other)
  })
}

function codeOf({ code }: NodeJS.ErrnoException): number {
  return code === 'EPIPE' ? exitCodes.ok : exitCodes.other
}
