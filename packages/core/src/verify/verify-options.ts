import { SecretsError } from '../errors/secrets-error.ts'
import { described } from '../errors/format.ts'
import type { MembersOf } from '../options/known-options.ts'
import { knownReadOptions, readMembers, type ReadOptions } from '../read/read-options.ts'

/** Options of `verifySecret`. */
export interface VerifyOptions extends Omit<ReadOptions, 'autoCleanup'> {
  /** How long the previous version is accepted after its replacement, in seconds. Default: 0. */
  readonly acceptPreviousForSeconds?: number | undefined
  /** Accept a later provider's answer while an earlier one is unreachable. Default: false. */
  readonly acceptDegraded?: boolean | undefined
}

export interface WithGrace extends VerifyOptions {
  readonly graceMs: number
}

const { autoCleanup: _, ...sharedMembers } = readMembers
const verifyMembers: MembersOf<VerifyOptions> = { ...sharedMembers, acceptPreviousForSeconds: 'any', acceptDegraded: 'boolean' }

export function isPresentable(presented: unknown): presented is string | Uint8Array {
  return typeof presented === 'string' || presented instanceof Uint8Array
}

function assertPresentable(presented: unknown): void {
  if (isPresentable(presented)) return
  throw new SecretsError('INVALID_ARGUMENT', `what was presented is ${described(presented)}`, { remedy: 'pass a string or a Uint8Array' })
}

export function knownVerification(presented: unknown, options: VerifyOptions): WithGrace {
  const known = knownReadOptions(options, verifyMembers)
  assertPresentable(presented)
  const { acceptPreviousForSeconds = 0 } = known
  if (Number.isFinite(acceptPreviousForSeconds) && acceptPreviousForSeconds >= 0)
    return { ...known, graceMs: acceptPreviousForSeconds * 1000 }
  throw new SecretsError(
    'INVALID_ARGUMENT',
    `acceptPreviousForSeconds is ${typeof acceptPreviousForSeconds === 'number' ? acceptPreviousForSeconds : described(acceptPreviousForSeconds)}`,
    { remedy: 'pass seconds, 0 or more' },
  )
}
