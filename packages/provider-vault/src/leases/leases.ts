import {
  type CallContext,
  type CredentialStatus,
  type SecretDescription,
  SecretsError,
  type StoredSecret,
  type WriteReceipt,
} from '@finchat/secrets-core'
import { timedCall } from '@finchat/secrets-core/http'
import { LeasedSecret, type LeasedSecretOptions } from './leased-secret.ts'
import { assertPath } from '../shared/paths.ts'

/** Limits `close()` if the server does not answer. */
const closeTimeoutMs = 1_500

export interface LeasesOptions extends LeasedSecretOptions {
  /** Leased paths; everything below them is leased too. */
  readonly leased: readonly string[]
}

export class Leases {
  readonly #options: LeasesOptions
  readonly #secrets = new Map<string, LeasedSecret>()

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  isLeased(path: string): boolean {
    return this.#options.leased.some((each) => path === each || path.startsWith(`${each}/`))
  }

  async get(path: string, context: CallContext): Promise<StoredSecret | undefined> {
    assertPath(path)
    const secret = this.#secrets.get(path) ?? new LeasedSecret(path, this.#options)
    this.#secrets.set(path, secret)
    try {
      return await secret.get(context)
    } finally {
      if (secret.isIdle) this.#secrets.delete(path)
    }
  }

  /** Describes the held lease, and asks nothing of Vault. */
  describe(path: string): SecretDescription {
    assertPath(path)
    return this.#secrets.get(path)?.describe() ?? { exclusive: true }
  }

  /** The leases in use. */
  get status(): Pick<CredentialStatus, 'lease' | 'leases'> {
    const lives = [...this.#secrets.values()].flatMap(({ life }) => life ?? [])
    const [lease] = lives.toSorted((one, other) => one.expiresAt - other.expiresAt)
    return { lease, leases: lives.length }
  }

  /** The identity of the held lease. Like `describe`, it asks nothing, and gets no lease. */
  probe(path: string): WriteReceipt {
    const { revision } = this.describe(path)
    if (revision === undefined) throw new SecretsError('UNSUPPORTED', 'no lease of this path is held', { remedy: 'read it first' })
    return { revision }
  }

  /** Revokes the leases that do not end with our token. Never rejects. */
  async close(): Promise<void> {
    const { closing } = this.#options.limits
    await timedCall({ timeoutMs: closeTimeoutMs, closing }, async (signal) => {
      await Promise.all([...this.#secrets.values()].map((secret) => secret.close(signal)))
    }).catch(() => {})
  }
}

export function notWritable(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'the secret is leased: Vault makes it, one for each process, and takes no other', {
    remedy: 'change its role in Vault, or route the name away',
  })
}

export function withoutVersions(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'a leased secret has no versions', { remedy: 'read it without one' })
}
