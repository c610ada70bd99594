import { run as runApplication } from '@stricli/core'
import { withConfigHint } from './commands/no-config.ts'
import { application } from './program/application.ts'
import { complete, completeCommand } from './program/complete.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { type Failure, failureOf } from './terminal/failure.ts'
import { failureOn } from './terminal/print-failure.ts'
import { hasColours, type Terminal } from './terminal/terminal.ts'

/** Runs the program, and returns its exit code. */
export async function run(args: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const asJson = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')
  let isShown = false
  const show = (failure: Failure): string => {
    if (asJson && isShown) return '' // Stricli shows each missing flag, and two objects are no JSON
    isShown = true
    return failureOn(terminal, failure, asJson)
  }
  const app = application(version, { failed: (error) => withConfigHint(failureOf(error), args, terminal), show })
  const context = { process: streams(terminal), terminal }
  if (args[0] === completeCommand) await complete(app, args.slice(1), context)
  else await runApplication(app, args, context)
  return exitCodeOf(context.process.exitCode)
}

interface Streams {
  readonly stdout: { readonly write: (text: string) => void; readonly getColorDepth?: () => number }
  readonly stderr: { readonly write: (text: string) => void }
  exitCode?: number | string | null
}

/** What Stricli writes to: help in colours where the terminal has them; errors bring their own. */
function streams({ stdout, stderr, env }: Terminal): Streams {
  const depth = hasColours(stdout, env) ? 4 : 1
  return {
    stdout: { write: (text) => void stdout.write(text), getColorDepth: () => depth },
    stderr: { write: (text) => void stderr.write(text) },
  }
}

/** Stricli's own codes: -5 and -4 are wrong arguments; the other negative ones are its faults. */
function exitCodeOf(code: number | string | null | undefined): number {
  const given = Number(code ?? 0)
  if (given >= 0) return given
  return given <= -4 && given >= -5 ? exitCodes.usage : exitCodes.other
}
