import type { CallContext, WriteReceipt } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { CallOptions } from '../options/call-options.ts'
import { knownPlainOptions } from './stage-options.ts'

/** A step outside the stores that belongs in the audit trail, such as setting a password. */
export interface AuditedStep extends WriteReceipt {
  /** The operation's name in the trail: a lower-case word. */
  readonly operation: string
  /** The secret that the step concerns. */
  readonly name: string
  /** The provider that holds the version. */
  readonly provider?: string | undefined
  /** It changes nothing, so that its outcome alone is recorded. Default false. */
  readonly readOnly?: boolean | undefined
}

/**
 * Runs a step as an operation of the manager: its intent is recorded before it and its outcome
 * after it. `close()` waits for it. Settles as `run` does; `AUDIT_FAILED` if the trail does not
 * acknowledge. An error that is no `SecretsError` becomes `INTERNAL`, without its text.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { auditedStep } from '@finchat/secrets-core/staging'
 * import { memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
 *
 * const audit = memoryAuditTrail()
 * const secrets = createSecretsManager({ providers: [memoryProvider()], audit })
 * await auditedStep(secrets, { operation: 'apply', name: 'db' }, { actor: 'rotator' }, async () => {})
 * console.log(audit.events().map(({ phase, operation }) => `${operation} ${phase}`)) // [ 'apply intent', 'apply outcome' ]
 */
export async function auditedStep<T>(
  secrets: SecretsManager,
  step: AuditedStep,
  call: CallOptions,
  run: (context: CallContext) => Promise<T>,
): Promise<T> {
  const { observer, locate, bounds } = partsOf(secrets)
  const { operation, provider, version, revision, readOnly = false } = step
  if (typeof operation !== 'string' || !/^[a-z]{1,32}$/.test(operation))
    throw new SecretsError('INVALID_ARGUMENT', 'the operation is no lower-case word', { remedy: "pass one such as 'apply'" })
  const options = knownPlainOptions(call)
  const context: CallContext = { signal: options.signal ?? bounds.closing }
  return observer.observe({ operation, name: locate(step.name).name, effect: !readOnly }, options, (metadata) => {
    Object.assign(metadata, { provider, version, revision })
    return run(context)
  })
}
