import { type CallContext, type SecretDescription, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { bounded } from '../shared/deadline.ts'
import { LeasedSecret, type LeasedSecretOptions } from './leased-secret.ts'
import { assertPath } from '../shared/paths.ts'

/** Closing ends even when the server does not answer. */
const closeTimeoutMs = 1_500

export interface LeasesOptions extends LeasedSecretOptions {
  /** Paths that are leased, and all below them. */
  readonly leased: readonly string[]
}

/** Everything that is leased, by path. */
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

  /** What is held, else only that it is leased: nothing is asked of Vault. */
  describe(path: string): SecretDescription {
    assertPath(path)
    return this.#secrets.get(path)?.describe() ?? { exclusive: true }
  }

  /** Revokes what does not end with our token. Never rejects. */
  async close(): Promise<void> {
    const { closing } = this.#options.limits
    await bounded({ timeoutMs: closeTimeoutMs, closing }, async (signal) => {
      await Promise.all([...this.#secrets.values()].map((secret) => secret.close(signal)))
    }).catch(() => {})
  }
}

/** For what only stores do that keep what they are given. */
export function notWritable(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'the secret is leased: Vault makes it, one for each process, and takes no other', {
    remedy: 'change its role in Vault, or route the name away',
  })
}

export function withoutVersions(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'a leased secret has no versions', { remedy: 'read it without one' })
}
