import type { SecretsManager } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'

const isAuthError = (error: unknown): boolean => error instanceof Error && error.message === 'HTTP 401'

/** A request that was refused with 401 had no effect, so it may be repeated. Its body is no stream. */
export function fetchWithToken(secrets: SecretsManager, name: string, url: string, init: RequestInit = {}): Promise<Response> {
  const send = async (token: string): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${token}`)
    const response = await fetch(url, { ...init, headers })
    if (response.status !== 401) return response
    await response.body?.cancel()
    throw new Error('HTTP 401')
  }
  return useSecret(secrets, name, (token) => send(token.reveal()), { isAuthError })
}
