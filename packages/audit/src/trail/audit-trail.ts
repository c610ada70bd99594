import type { AuditRecord, AuditTrail, CallContext, TrailPartHealth } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import { misuse, reentrantSink, SinkDelivery } from './deliver.ts'
import { onLogin } from './login-events.ts'
import { RecordMaker, type TrailEvent } from '../record/record-maker.ts'
import type { NameKeys } from '../record/name-keys.ts'
import { type AuditMode, type AuditTrailOptions, checkedTrailOptions, type CheckedTrailOptions } from './trail-options.ts'

/**
 * The audit trail of a secrets manager. It numbers every event, adds actor, host and trace, and
 * delivers it to the sinks. Returns what `createSecretsManager({ audit })` takes; closing the
 * manager closes it. Logins and leases of all providers in the process are recorded too. A lease is
 * requested only once its intent was acknowledged.
 *
 * `close` sends each sink the gap that it missed and closes it, whatever the others do. Both end
 * within 4.5 s, or a longer deadline. It rejects with `AUDIT_FAILED` and names the sinks that were
 * not closed.
 *
 * Throws `CONFIGURATION` for invalid options. A use of a secret fails with `AUDIT_FAILED` if its
 * record was not acknowledged. It fails with `CONFIGURATION` if a sink uses the audited manager.
 *
 * @example
 * import { auditTrail, required } from '@finchat/secrets-audit'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const seen: string[] = []
 * const sink = {
 *   specificationVersion: 'v1',
 *   name: 'seen',
 *   write: async ({ seq, operation, name, outcome }) => void seen.push(`${seq} ${operation} ${name} ${outcome}`),
 * } as const satisfies import('@finchat/secrets-audit').AuditSink
 * const secrets = createSecretsManager({ providers: [envProvider()], audit: auditTrail({ sinks: [required(sink)] }) })
 * await secrets.getSecret('FINCHAT_TOKEN')
 * console.log(seen) // [ '1 get FINCHAT_TOKEN ok' ]
 */
export function auditTrail(options: AuditTrailOptions): AuditTrail {
  const trail = new Trail(checkedTrailOptions(options))
  return {
    specificationVersion: 'v1',
    record: (event) => trail.record(event),
    health: () => trail.health(),
    close: (context) => trail.close(context),
  }
}

class Trail {
  readonly #maker: RecordMaker
  readonly #deliveries: readonly SinkDelivery[]
  readonly #required: number
  readonly #mode: AuditMode
  readonly #nameKeys: NameKeys | undefined
  readonly #endLogins: () => void
  #wasRefused = false
  #closing: Promise<void> | undefined

  constructor({ sinks, mode, sinkDeadlineMs, firstDeadlineMs, service, hashName, sealing }: CheckedTrailOptions) {
    const deadlines = { firstMs: firstDeadlineMs, usualMs: sinkDeadlineMs }
    this.#maker = new RecordMaker({ service, hashName, sealing })
    this.#nameKeys = sealing?.keys
    this.#deliveries = sinks.map((sink) => new SinkDelivery(sink, this.#maker, deadlines))
    this.#required = sinks.filter(({ required }) => required).length
    this.#mode = mode
    this.#endLogins = onLogin((event) => this.record(event))
  }

  record(event: TrailEvent): Promise<void> {
    const sink = reentrantSink(this.#deliveries)
    if (sink !== undefined) return Promise.reject(misuse(sink))
    if (this.#closing !== undefined) return Promise.reject(closed())
    try {
      return this.#send(this.#maker.record(event))
    } catch (error) {
      return Promise.reject(error) // a name that cannot be sealed is not recorded as it is
    }
  }

  #send(record: AuditRecord): Promise<void> {
    const synced = this.#nameKeys?.synced
    const delivered = this.#deliver(record)
    const acknowledged = synced === undefined ? delivered : Promise.all([delivered, synced]).then(() => {})
    return this.#mode === 'complete' ? acknowledged : this.#relaxed(record, acknowledged)
  }

  health(): Readonly<Record<string, TrailPartHealth>> {
    return Object.fromEntries(this.#deliveries.flatMap((delivery) => delivery.health()))
  }

  close(context: CallContext): Promise<void> {
    this.#closing ??= this.#close(context)
    return this.#closing
  }

  /** Resolves when all required sinks acknowledged; with none required, when any sink did. */
  #deliver(record: AuditRecord): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let [missing, waiting] = [Math.max(1, this.#required), this.#deliveries.length]
    for (const delivery of this.#deliveries) {
      const counts = delivery.isRequired || this.#required === 0
      delivery.deliver(record, (error) => {
        waiting--
        if (error === undefined) {
          if (counts && --missing === 0) resolve()
        } else if (delivery.isRequired || waiting === 0 || error.code === 'CONFIGURATION') reject(error)
      })
    }
    return promise
  }

  /** Waits for the sinks if the last record was refused. */
  #relaxed({ phase }: AuditRecord, acknowledged: Promise<void>): Promise<void> {
    const mayLeave = this.#mode === 'best-effort' || (phase === 'outcome' && !this.#wasRefused)
    const answered = acknowledged.then(
      () => void (this.#wasRefused = false),
      () => void (this.#wasRefused = true),
    )
    return mayLeave ? Promise.resolve() : answered.then(() => acknowledged)
  }

  async #close(context: CallContext): Promise<void> {
    this.#endLogins()
    const closings = await Promise.allSettled(this.#deliveries.map((delivery) => delivery.close(context)))
    const failed = this.#deliveries.filter((_, index) => closings[index]?.status === 'rejected').map(({ name }) => name)
    if (failed.length > 0) throw new SecretsError('AUDIT_FAILED', `these audit sinks could not be closed: ${failed.join(', ')}`)
  }
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the audit trail is closed', { remedy: 'close it after the last use' })
}
