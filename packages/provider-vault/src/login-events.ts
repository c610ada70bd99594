import { channel } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'

/** What subscribers of the channel `finchat.secrets.login` receive. Never a credential or a token. */
export interface LoginMessage {
  /**
   * Of the token; or of a leased secret, and then with its path. `token`: one was taken as it was given, and only its use will tell what it is worth;
   * with `error`, Vault refused it.
   */
  readonly operation: 'login' | 'token' | 'renew' | 'revoke' | 'lease' | 'renew-lease' | 'revoke-lease'
  readonly provider: string
  readonly path?: string | undefined
  /** How it logs in: `approle`, `kubernetes`, … */
  readonly method: string
  readonly outcome: 'ok' | 'error'
  readonly code?: string | undefined
  readonly durationMs: number
}

/** What came of it, where that is another operation, or a failure that does not reject. */
type Found = Partial<Pick<LoginMessage, 'operation' | 'code'>>

export interface LoginEvents {
  /** Runs it, and tells what came of it; `found` says what a result is, where that is more than a success. */
  readonly report: <T>(
    operation: LoginMessage['operation'],
    run: () => Promise<T>,
    about?: { readonly path?: string; readonly found?: (result: T) => Found },
  ) => Promise<T>
}

export function loginEvents(provider: string, method: string): LoginEvents {
  const events = channel('finchat.secrets.login')
  return {
    report: async (operation, run, { path, found } = {}) => {
      const startedAt = Date.now()
      const tell = ({ code, ...other }: Found): void => {
        const outcome = code === undefined ? 'ok' : 'error'
        const message: LoginMessage = { operation, provider, path, method, outcome, code, durationMs: Date.now() - startedAt, ...other }
        if (events.hasSubscribers) events.publish(message)
      }
      try {
        const result = await run()
        tell(found?.(result) ?? {})
        return result
      } catch (error) {
        tell({ code: SecretsError.isInstance(error) ? error.code : 'INTERNAL' })
        throw error
      }
    },
  }
}
