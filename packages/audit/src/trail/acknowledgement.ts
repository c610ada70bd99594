import { SecretsError } from '@finchat/secrets-core'

/** Why a sink did not acknowledge, in our own terms. */
export interface Refusal {
  readonly sink: string
  readonly problem: string
  readonly remedy?: string | undefined
  /** It used the manager that it audits: nobody may overlook that. */
  readonly isMisuse: boolean
}

/** One record's way through the sinks: acknowledged when all required ones did, or, if none is required, when any did. */
export class Acknowledgement {
  readonly promise: Promise<void>
  readonly #resolve: () => void
  readonly #reject: (error: SecretsError) => void
  #required: number
  #others: number
  readonly #needsRequired: boolean

  constructor(required: number, others: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#required = required
    this.#others = others
    this.#needsRequired = required > 0
  }

  acknowledged(isRequired: boolean): void {
    if (isRequired) this.#required--
    if (this.#needsRequired ? this.#required === 0 : true) this.#resolve()
  }

  refused(isRequired: boolean, refusal: Refusal): void {
    if (!isRequired) this.#others--
    if (refusal.isMisuse) this.#reject(misuse(refusal))
    else if (isRequired || (!this.#needsRequired && this.#others === 0)) this.#reject(unacknowledged(refusal))
  }
}

function unacknowledged({ sink, problem, remedy }: Refusal): SecretsError {
  return new SecretsError('AUDIT_FAILED', `the audit sink '${sink}' did not acknowledge: ${problem}`, { remedy: remedy ?? 'mend the sink' })
}

export function misuse({ sink }: Pick<Refusal, 'sink'>): SecretsError {
  return new SecretsError('CONFIGURATION', `the audit sink '${sink}' uses the secrets manager that it audits`, {
    remedy: 'give the sink what it needs before, or a manager of its own',
  })
}
