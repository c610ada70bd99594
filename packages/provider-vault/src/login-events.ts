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

/** What subscribers of the channel `finchat.secrets.intent` receive before a request is sent that makes something, such as a lease its account. */
export interface LoginIntent extends Pick<LoginMessage, 'operation' | 'provider' | 'path' | 'method'> {
  /** To be called at once, with what says that the intent is on record: nothing is sent before it resolves, nor if it rejects. */
  readonly waitFor: (acknowledged: Promise<void>) => void
}

/** What came of it, where that is another operation, or a failure that does not reject. */
type Found = Partial<Pick<LoginMessage, 'operation' | 'code'>>

export interface LoginEvents {
  /**
   * Runs it, and tells what came of it; `found` says what a result is, where that is more than a success. With `effect` its intent is told before.
   */
  readonly report: <T>(
    operation: LoginMessage['operation'],
    run: () => Promise<T>,
    about?: { readonly path?: string; readonly found?: (result: T) => Found; readonly effect?: true },
  ) => Promise<T>
}

export function loginEvents(provider: string, method: string): LoginEvents {
  const events = channel('finchat.secrets.login')
  return {
    report: async (operation, run, { path, found, effect } = {}) => {
      const startedAt = Date.now()
      const tell = ({ code, ...other }: Found): void => {
        const outcome = code === undefined ? 'ok' : 'error'
        const message: LoginMessage = { operation, provider, path, method, outcome, code, durationMs: Date.now() - startedAt, ...other }
        if (events.hasSubscribers) events.publish(message)
      }
      try {
        if (effect) await acknowledged({ operation, provider, path, method })
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

async function acknowledged(intent: Omit<LoginIntent, 'waitFor'>): Promise<void> {
  const intents = channel('finchat.secrets.intent')
  if (!intents.hasSubscribers) return
  const waiting: Promise<void>[] = []
  const message: LoginIntent = { ...intent, waitFor: (promise) => void waiting.push(promise) }
  intents.publish(message)
  const answers = await Promise.allSettled(waiting)
  if (answers.every(({ status }) => status === 'fulfilled')) return
  throw new SecretsError('AUDIT_FAILED', 'the intent could not be recorded, so nothing was sent', { remedy: 'mend the audit trail' })
}
