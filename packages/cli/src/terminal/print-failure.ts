import { asCalled } from './in-commands.ts'
import type { Failure } from './failure.ts'
import { hasColours, type Terminal } from './terminal.ts'
import { visible } from './visible.ts'

/** Three lines for people, or one JSON object for programs; both end with a newline. */
export function failureText(failure: Failure, asJson: boolean, isColoured: boolean): string {
  if (asJson) return `${JSON.stringify({ error: failure })}\n`
  const { styleText } = process.getBuiltinModule('node:util') // importing it takes 3 ms of every start
  const paint = (label: string): string => (isColoured ? styleText(['bold', 'red'], label, { validateStream: false }) : label)
  const dim = (label: string): string => (isColoured ? styleText('dim', label, { validateStream: false }) : label)
  return `${paint('error:')} ${shown(failure.what)}\n${dim('why:  ')} ${shown(failure.why)}\n${dim('fix:  ')} ${shown(failure.remedy)}\n`
}

/** Further lines are indented under the first. */
function shown(text: string): string {
  return visible(text, '\n').replaceAll('\n', '\n       ')
}

/** As this terminal shows it; its remedy names commands as the program was called. */
export function failureOn({ stderr, env }: Pick<Terminal, 'stderr' | 'env'>, failure: Failure, asJson: boolean): string {
  const shownAs = asJson ? failure : { ...failure, remedy: asCalled(failure.remedy, env) }
  return failureText(shownAs, asJson, hasColours(stderr, env))
}

export function printFailure(failure: Failure, asJson: boolean, terminal: Terminal): void {
  terminal.stderr.write(failureOn(terminal, failure, asJson))
}
