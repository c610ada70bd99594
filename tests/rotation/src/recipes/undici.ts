import type { SecretsManager } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { type Dispatcher, request } from 'undici'

const isAuthError = (error: unknown): boolean => error instanceof Error && error.message === 'HTTP 401'
type Options = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method' | 'headers'>

export function requestWithToken(secrets: SecretsManager, name: string, url: string, options?: Options): Promise<Dispatcher.ResponseData> {
  const send = async (token: string): Promise<Dispatcher.ResponseData> => {
    const response = await request(url, { ...options, headers: { authorization: `Bearer ${token}` } })
    if (response.statusCode !== 401) return response
    await response.body.dump()
    throw new Error('HTTP 401')
  }
  return useSecret(secrets, name, (token) => send(token.reveal()), { isAuthError })
}
