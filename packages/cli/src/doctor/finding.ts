import type { SecretsErrorCode } from '@finchat/secrets-core'
import { exitCodeOf, exitCodes } from '../terminal/exit-codes.ts'
import { CommandError, failureOf } from '../terminal/failure.ts'

/** One thing that was checked. None of its texts holds a value. */
export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail' | 'not checked'
  /** What was checked, in a word or two. */
  readonly check: string
  readonly finding: string
  readonly remedy?: string
  /** Of a failure: the code of its error. */
  readonly code?: string
}

/** The findings about one provider, or about the machine. */
export interface Section {
  readonly name: string
  readonly findings: readonly Finding[]
}

export function ok(check: string, finding: string): Finding {
  return { status: 'ok', check, finding }
}

export function warn(check: string, finding: string, remedy: string): Finding {
  return { status: 'warn', check, finding, remedy }
}

export function notChecked(check: string, finding: string, remedy?: string): Finding {
  return { status: 'not checked', check, finding, ...(remedy !== undefined && { remedy }) }
}

/** What an error says, with its remedy. `reworded` says it in the words of the configuration file. */
export function failed(check: string, error: unknown, reworded?: (text: string) => string): Finding & { readonly code: string } {
  const { why, remedy, code } = failureOf(new CommandError(check, error, reworded))
  return { status: 'fail', check, finding: why, remedy, code }
}

/** The gravest first: damage, refusal, faults, outages, what is missing, wrong calls. */
const gravity = [exitCodes.integrity, exitCodes.denied, exitCodes.other, exitCodes.unavailable, exitCodes.notFound, exitCodes.usage]

/** The exit code of the gravest failure; with `strict` a warning counts too, as 1. */
export function exitCodeOfAll(findings: readonly Finding[], strict: boolean): number {
  const codes = new Set(findings.flatMap(({ status, code }) => (status === 'fail' ? [exitCodeOf(code as SecretsErrorCode)] : []))) // others are 70
  const hasWarning = findings.some(({ status }) => status === 'warn')
  return gravity.find((code) => codes.has(code)) ?? (strict && hasWarning ? exitCodes.differs : exitCodes.ok)
}
