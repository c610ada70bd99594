import { exitCodes } from './exit-codes.ts'

/** A failure of a command's own, with its exit code. The texts must not quote what may be a value. */
export class KnownError extends Error {
  readonly remedy: string
  readonly code: string
  readonly exitCode: number

  constructor(problem: string, remedy: string, { code, exitCode }: { readonly code: string; readonly exitCode: number }) {
    super(problem)
    this.remedy = remedy
    this.code = code
    this.exitCode = exitCode
  }
}

/** The program was called wrongly. */
export class UsageError extends KnownError {
  constructor(problem: string, remedy: string) {
    super(problem, remedy, { code: 'USAGE', exitCode: exitCodes.usage })
  }
}
