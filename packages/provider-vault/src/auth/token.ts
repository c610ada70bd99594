import { SecretsError } from '@finchat/secrets-core'
import { assertCredential, assertToken, called, type Credential, readCredential } from '../shared/credential.ts'
import { isObject, member } from '../http/answer.ts'
import type { VaultClient } from '../http/client-transport.ts'
import type { VaultAuth } from './vault-auth.ts'

/**
 * A token that somebody else got: it is renewed where it can be, and not revoked when the provider closes, for others may use it.
 *
 * @example
 * import { token, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: token({ file: '/run/vault/token' }) })
 * console.log(vault.name) // vault
 */
export function token(source: Credential): VaultAuth {
  assertCredential(source, 'the token')
  return {
    method: 'token',
    prepare: async ({ signal }) => {
      const text = await readCredential(source, 'the token', signal)
      assertToken(text)
      return { token: text, isOnlyOne: typeof source === 'string' }
    },
  }
}

/**
 * The token in a file that an agent keeps: `token({ file })`. It is read again when Vault refuses the one before.
 *
 * @example
 * import { tokenFile, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: tokenFile('/run/vault/token') })
 * console.log(vault.name) // vault
 */
export function tokenFile(path: string): VaultAuth {
  return token({ file: path })
}

/**
 * What a function of one's own returns: a token, and when it ends if that is known: epoch milliseconds, as `Date.now()` counts. What it throws is
 * `UNAVAILABLE`, and nothing of it is shown; a `SecretsError` that it throws is kept.
 */
export type TokenSource = () => Promise<string | { readonly token: string; readonly expiresAt?: number | undefined }>

/** A function that gets tokens in its own way. It is called when there is no token, and again when one ends or is refused. */
export function tokenFunction(source: TokenSource): VaultAuth {
  return {
    method: 'function',
    prepare: async ({ signal }) => {
      const answer = await called(source, 'the token', signal)
      const { token: text, expiresAt } = isObject(answer) ? answer : { token: answer, expiresAt: undefined }
      if (typeof text !== 'string') {
        throw new SecretsError('CONFIGURATION', 'the function of `auth` returned no token', {
          remedy: 'return a text, or { token, expiresAt }',
        })
      }
      assertMoment(expiresAt)
      const trimmed = await readCredential(text, 'the token', signal)
      assertToken(trimmed)
      return { token: trimmed, expiresAt }
    },
  }
}

/** The token that a client of one's own has, whoever keeps it fresh. */
export function clientToken(client: VaultClient): VaultAuth {
  return {
    method: 'client',
    prepare: async () => {
      const text = member(client, 'token')
      if (typeof text === 'string' && text !== '') return { token: text }
      throw new SecretsError('CREDENTIALS_MISSING', 'the client has no token', { remedy: 'log it in, or give `auth`' })
    },
  }
}

/** In 2001, were it milliseconds; in the year 33658, were it seconds. */
const leastMs = 1e12

/** Seconds would let every token end at once, and be asked for anew by every call. */
function assertMoment(expiresAt: unknown): asserts expiresAt is number | undefined {
  if (expiresAt === undefined || (typeof expiresAt === 'number' && Number.isFinite(expiresAt) && expiresAt >= leastMs)) return
  throw new SecretsError('CONFIGURATION', 'the function of `auth` returned an `expiresAt` that is no time in epoch milliseconds', {
    remedy: 'multiply seconds by 1,000, and give date.getTime() for a Date',
  })
}
