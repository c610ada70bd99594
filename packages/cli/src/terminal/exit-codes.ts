import type { SecretsError, SecretsErrorCode } from '@finchat/secrets-core'

/** Exit codes of the program, most of them of sysexits.h. They are stable: scripts act on them. */
export const exitCodes = {
  ok: 0,
  /**
   * `verify`: the value is another. `check`: a value is not what is declared. `scan`: one was found.
   * `audit`: not altered, but not proven.
   */
  differs: 1,
  usage: 64,
  integrity: 65,
  notFound: 66,
  unavailable: 69,
  other: 70,
  denied: 77,
  /** `run`: the command cannot be executed, or does not exist, as shells have it. */
  notExecutable: 126,
  noSuchCommand: 127,
  /** 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const

const byCode: Readonly<Partial<Record<SecretsErrorCode, number>>> = {
  INVALID_ARGUMENT: exitCodes.usage,
  INTEGRITY: exitCodes.integrity,
  NOT_FOUND: exitCodes.notFound,
  DELETED: exitCodes.notFound,
  UNAVAILABLE: exitCodes.unavailable,
  DEADLINE_EXCEEDED: exitCodes.unavailable,
  RATE_LIMITED: exitCodes.unavailable,
  PERMISSION_DENIED: exitCodes.denied,
  CREDENTIALS_MISSING: exitCodes.denied,
  UNAUTHENTICATED: exitCodes.denied,
}

export function exitCodeOf(code: SecretsErrorCode): number {
  return byCode[code] ?? exitCodes.other
}

/** As by its code; where each provider that failed refused, or has no credential, to wait does not help. */
export function exitCodeOfError({ code, attempts = [] }: Pick<SecretsError, 'code' | 'attempts'>): number {
  const failed = attempts.filter((attempt) => attempt.code !== 'NOT_FOUND')
  const isRefused = failed.length > 0 && failed.every((attempt) => exitCodeOf(attempt.code) === exitCodes.denied)
  return code === 'UNAVAILABLE' && isRefused ? exitCodes.denied : exitCodeOf(code)
}

/** Of several, what could not be asked comes first, then what is missing, then what is wrong. */
export function gravest(codes: readonly number[]): number {
  const other = codes.find((code) => ![exitCodes.ok, exitCodes.notFound, exitCodes.differs].some((known) => known === code))
  return other ?? Math.max(exitCodes.ok, ...codes)
}
