import { parseDotenv } from '@finchat/secrets-core/provider'
import { bytesProblem, type DocumentWriter, malformed, type Value, type Values } from './document.ts'

/** Reads a `.env` file by the rules of dotenv. */
export function readDotenv(text: string): Values {
  const lines = text.split('\n').map((line) => line.trim())
  if (lines.some((line) => line !== '' && !line.startsWith('#') && !text.includes('='))) throw malformed('dotenv', 'sets no variable')
  return parseDotenv(text)
}

/** Writes what dotenv reads back exactly. A shell would run `$(…)` in some of it. */
export const dotenvWriter: DocumentWriter = {
  problem: (name, value) => {
    if (!isVariable(name)) return 'it is no name of a variable: letters, digits and _'
    return typeof value === 'string' ? textProblem(value) : bytesProblem
  },
  write: (values) => [...values].map(([name, value]) => `${name}=${quotedText(value) ?? ''}\n`).join(''),
}

function isVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
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
