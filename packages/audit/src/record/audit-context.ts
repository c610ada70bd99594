import { AsyncLocalStorage } from 'node:async_hooks'
import { knownOptions, type MembersOf, SecretsError } from '@finchat/secrets-core/provider'

/** On whose behalf secrets are used. */
export interface AuditContext {
  /** A user, a service or a job. */
  readonly actor?: string | undefined
  /** Ties the record to the request's own logs. */
  readonly requestId?: string | undefined
}

const members: MembersOf<AuditContext> = { actor: 'string', requestId: 'string' }

const notCalled = 'pass () => secrets.getSecret(…), which is called within the context'

const contexts = new AsyncLocalStorage<AuditContext>()

/**
 * Runs `run` with `actor` and `requestId` on every audit record of what it calls, now or later. A
 * call's own options (`getSecret(name, { actor })`) take precedence; an inner context takes
 * precedence over an outer one, member by member. Returns what `run` returns. Throws
 * `INVALID_ARGUMENT` for an invalid context, or if `run` is not a function.
 *
 * @example
 * import { withAuditContext } from '@finchat/secrets-audit'
 *
 * const answer = await withAuditContext({ actor: 'webapp', requestId: 'r-17' }, async () => 'handled')
 * console.log(answer) // handled
 */
export function withAuditContext<T>(context: AuditContext, run: () => T): T {
  const { actor, requestId } = knownOptions(context, members, 'INVALID_ARGUMENT')
  if (typeof run !== 'function') throw new SecretsError('INVALID_ARGUMENT', '`run` is not a function', { remedy: notCalled })
  const outer = currentContext()
  return contexts.run({ actor: actor ?? outer?.actor, requestId: requestId ?? outer?.requestId }, run)
}

export function currentContext(): AuditContext | undefined {
  return contexts.getStore()
}
