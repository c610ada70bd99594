import { member } from '@finchat/secrets-core/http'
import { SecretsError } from '@finchat/secrets-core'
import { assertCredential, callSource, type Credential, isJsonObject, readCredential } from '@finchat/secrets-core/provider'
import { assertToken } from '../shared/token-bytes.ts'
import type { VaultClient } from '../http/client-transport.ts'
import type { VaultAuth } from './vault-auth.ts'

/**
 * A token that you have. It is renewed if possible, and not revoked when the provider closes,
 * because others may use it.
 *
 * @example
 * import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: tokenAuth({ file: '/run/vault/token' }) })
 * console.log(vault.name) // vault
 */
export function tokenAuth(source: Credential): VaultAuth {
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
 * The token in a file that an agent keeps: `tokenAuth({ file })`. It is read again when Vault refuses
 * the former.
 *
 * @example
 * import { tokenFile, vaultProvider } from '@finchat/secrets-provider-vault'
 *
 * const vault = vaultProvider({ url: 'https://vault.example:8200', auth: tokenFile('/run/vault/token') })
 * console.log(vault.name) // vault
 */
export function tokenFile(path: string): VaultAuth {
  return tokenAuth({ file: path })
}

/**
 * Your function: it returns a token, and optionally its expiry in epoch milliseconds, as
 * `Date.now()` counts. An error that it throws becomes `UNAVAILABLE` and is not shown; a
 * `SecretsError` is kept.
 */
export type TokenSource = () => Promise<string | { readonly token: string; readonly expiresAt?: number | undefined }>

/** Calls your function if there is no token, and again when one ends or is refused. */
export function tokenFunction(source: TokenSource): VaultAuth {
  return {
    method: 'function',
    prepare: async ({ signal }) => {
      const { text, expiresAt } = givenToken(await callSource(source, 'the token', signal))
      const token = await readCredential(text, 'the token', signal)
      assertToken(token)
      return { token, expiresAt }
    },
  }
}

function givenToken(answer: unknown): { readonly text: string; readonly expiresAt: number | undefined } {
  const { token: text, expiresAt } = isJsonObject(answer) ? answer : { token: answer, expiresAt: undefined }
  if (typeof text !== 'string') {
    throw new SecretsError('CONFIGURATION', 'the function of `auth` returned no token', {
      remedy: 'return a text, or { token, expiresAt }',
    })
  }
  assertMoment(expiresAt)
  return { text, expiresAt }
}

/** The token of the application's client. */
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

/** The year 2001 in milliseconds, the year 33658 in seconds. */
const leastMs = 1e12

/** With seconds every token would have ended, and each call would ask for another. */
function assertMoment(expiresAt: unknown): asserts expiresAt is number | undefined {
  if (expiresAt === undefined || (typeof expiresAt === 'number' && Number.isFinite(expiresAt) && expiresAt >= leastMs)) return
  throw new SecretsError('CONFIGURATION', 'the function of `auth` returned an `expiresAt` that is no time in epoch milliseconds', {
    remedy: 'multiply seconds by 1,000, and give date.getTime() for a Date',
  })
}
