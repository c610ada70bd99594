import { userInfo } from 'node:os'
import type { AuditTrail, EnvironmentReader } from '@finchat/secrets-core'
import { jsonLinesFile } from './file/file-sink.ts'
import { lineSink } from './sinks/line-sink.ts'
import { auditTrail } from './trail/audit-trail.ts'
import type { SealNamesOptions } from './trail/trail-options.ts'

/**
 * Returns the trail that variables describe, for `secretsManagerFromEnv({ … }, { audit:
 * auditFromEnv })`, or `undefined` if none of them asks for one.
 *
 * - `FINCHAT_AUDIT_LINE`: `true` (or `stderr`) or `stdout`. One human line for each access; without
 *   an actor its `user` is the user of the operating system.
 * - `FINCHAT_AUDIT_FOLDER`: a folder that `initAuditFolder` made ready, for sealed records.
 * - `FINCHAT_AUDIT_CHECKPOINTS`: the folder for its checkpoints.
 * - `FINCHAT_AUDIT_SEAL_NAMES`: the file of `sealNames`, for the keys of names, which
 *   `eraseAuditNames` erases. `FINCHAT_AUDIT_SEAL_NAMES_OF`: `actor` (the default), `name` or
 *   `actor,name`.
 *
 * Throws `CONFIGURATION` as `auditTrail` and `jsonLinesFile` do, and leaves no sink open then.
 *
 * @example
 * import { auditFromEnv } from '@finchat/secrets-audit'
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 *
 * const env = { FINCHAT_AUDIT_LINE: 'true', FINCHAT_TOKEN: 'dev-token' }
 * const secrets = secretsManagerFromEnv({}, { audit: auditFromEnv, env })
 * console.log(await secrets.getSecret('FINCHAT_TOKEN', { actor: 'webapp' })) // dev-token
 * await secrets.close()
 */
export function auditFromEnv(env: EnvironmentReader): AuditTrail | undefined {
  const line = lineStream(env)
  const folder = env.optional('FINCHAT_AUDIT_FOLDER')
  const checkpoints = env.optional('FINCHAT_AUDIT_CHECKPOINTS')
  if (checkpoints !== undefined && folder === undefined)
    env.problem('FINCHAT_AUDIT_CHECKPOINTS needs FINCHAT_AUDIT_FOLDER, whose records they prove')
  const sealNames = sealing(env, folder)
  const file =
    folder === undefined ? undefined : jsonLinesFile({ folder, checkpoints: checkpoints === undefined ? undefined : { to: checkpoints } })
  const sinks = [file, line && lineSink({ stream: line, user: osUser() })].filter((sink) => sink !== undefined)
  if (sinks.length === 0) return undefined
  try {
    return auditTrail({ sinks, sealNames })
  } catch (error) {
    void file?.close?.({ signal: new AbortController().signal }).catch(() => {}) // it has no record
    throw error
  }
}

/** Only the index of a folder can say later that a name was erased. */
function sealing(env: EnvironmentReader, folder: string | undefined): SealNamesOptions | undefined {
  const file = env.optional('FINCHAT_AUDIT_SEAL_NAMES')
  const of = env
    .optional('FINCHAT_AUDIT_SEAL_NAMES_OF')
    ?.split(',')
    .map((each) => each.trim())
  if (file !== undefined && folder === undefined) env.problem('FINCHAT_AUDIT_SEAL_NAMES needs FINCHAT_AUDIT_FOLDER, whose names it seals')
  if (of !== undefined && file === undefined)
    env.problem('FINCHAT_AUDIT_SEAL_NAMES_OF needs FINCHAT_AUDIT_SEAL_NAMES, the file of the keys')
  if (of?.every(isSealed) === false) env.problem('FINCHAT_AUDIT_SEAL_NAMES_OF is not actor, name or actor,name')
  return file === undefined ? undefined : { file, of: of?.filter(isSealed) }
}

function isSealed(member: string): member is SealedMember {
  return member === 'actor' || member === 'name'
}

type SealedMember = NonNullable<SealNamesOptions['of']>[number]

function lineStream(env: EnvironmentReader): NodeJS.WriteStream | undefined {
  const text = env.optional('FINCHAT_AUDIT_LINE') ?? 'false'
  if (text === 'false') return undefined
  if (text === 'true' || text === 'stderr') return process.stderr
  if (text !== 'stdout') env.problem('FINCHAT_AUDIT_LINE is not true, false, stderr or stdout')
  return process.stdout
}

/** A container may run as a number that has no name. */
function osUser(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
