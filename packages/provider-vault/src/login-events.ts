import { channel } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'

/** What subscribers of the channel `finchat.secrets.login` receive. Never a credential or a token. */
export interface LoginMessage {
  /** Of the token; or of a leased secret, and then with its path. */
  readonly operation: 'login' | 'renew' | 'revoke' | 'lease' | 'renew-lease' | 'revoke-lease'
  readonly provider: string
  readonly path?: string | undefined
  /** How it logs in: `approle`, `kubernetes`, … */
  readonly method: string
  readonly outcome: 'ok' | 'error'
  readonly code?: string | undefined
  readonly durationMs: number
}

export interface LoginEvents {
  /** Runs it, and tells what came of it. */
  readonly report: <T>(operation: LoginMessage['operation'], run: () => Promise<T>, path?: string) => Promise<T>
}

export function loginEvents(provider: string, method: string): LoginEvents {
  const events = channel('finchat.secrets.login')
  return {
    report: async (operation, run, path) => {
      const startedAt = Date.now()
      const tell = (outcome: LoginMessage['outcome'], code?: string): void => {
        const message: LoginMessage = { operation, provider, path, method, outcome, code, durationMs: Date.now() - startedAt }
        if (events.hasSubscribers) events.publish(message)
      }
      try {
        const result = await run()
        tell('ok')
        return result
      } catch (error) {
        tell('error', SecretsError.isInstance(error) ? error.code : 'INTERNAL')
        throw error
      }
    },
  }
}
