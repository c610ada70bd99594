import { isValidName } from '@finchat/secrets-core'
import { dotenvLines } from '@finchat/secrets-core/provider'
import { isVariableName } from '../config/settings.ts'
import { UsageError } from '../terminal/failure.ts'
import { bytesProblem, type DocumentWriter, type Value, type Values } from './document.ts'

/**
 * Reads a `.env` file by the rules of dotenv. Where dotenv skips a line, this is an error: the line
 * may be the rest of a value, which would be lost when the file is removed.
 */
export function readDotenv(text: string): Values {
  const lines = [...dotenvLines(text)]
  const skipped = lines.filter(({ name }) => name === undefined || !isValidName(name))
  if (skipped.length > 0) throw unassigned(skipped.map(({ line }) => line))
  return new Map(lines.map(({ name = '', value }) => [name, value]))
}

/** The most line numbers that an error lists. */
const mostNumbers = 10

/** It does not quote the lines. */
function unassigned(lines: readonly number[]): UsageError {
  const more = lines.length > mostNumbers ? ` and ${lines.length - mostNumbers} more` : ''
  const numbers = `${lines.slice(0, mostNumbers).join(', ')}${more}`
  return new UsageError(
    lines.length === 1 ? `line ${numbers} of the input sets no variable` : `these lines of the input set no variable: ${numbers}`,
    'quote a value of several lines, and put # before other lines; or give the format by --format, if it is not dotenv',
  )
}

/** Writes what dotenv reads back exactly. A shell would run `$(…)` in some of it. */
export const dotenvWriter: DocumentWriter = {
  problem: (name, value) => {
    if (!isVariableName(name)) return 'it is no name of a variable: letters, digits and _'
    return typeof value === 'string' ? textProblem(value) : bytesProblem
  },
  write: (values) => [...values].map(([name, value]) => `${name}=${quotedText(value) ?? ''}\n`).join(''),
}

function textProblem(value: string): string | undefined {
  if (value.includes('\0')) return 'it has a NUL, which no variable can hold'
  if (value.includes('\r')) return 'it has a carriage return, which dotenv does not keep'
  return quotedText(value) === undefined ? 'its quotes and backslashes cannot be written for dotenv' : undefined
}

/** Single quotes first, which a shell reads in the same way. */
function quotedText(value: Value): string | undefined {
  const text = String(value)
  const quote = ["'", '"', '`'].find((each) => isQuotable(text, each))
  if (quote !== undefined) return `${quote}${text}${quote}`
  return isPlain(text) ? text : undefined
}

/**
 * A backslash before the last quote would escape it, and dotenv would read on. In double quotes it
 * makes line ends of `\n`.
 */
function isQuotable(text: string, quote: string): boolean {
  return !text.includes(quote) && !text.endsWith('\\') && !(quote === '"' && text.includes('\\'))
}

function isPlain(text: string): boolean {
  const hasQuote = ["'", '"', '`'].some((quote) => text.startsWith(quote))
  return text !== '' && text === text.trim() && !hasQuote && !text.includes('#') && !text.includes('\n')
}
