import { type Channel, channel } from 'node:diagnostics_channel'
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
  /** Of a lease that was asked for: to be called at once, with what says that this is on record. Nobody gets the lease before it resolves, nor if it rejects. */
  readonly waitFor?: WaitFor | undefined
}

type WaitFor = (acknowledged: Promise<void>) => void

/** What subscribers of the channel `finchat.secrets.intent` receive before a request is sent that makes something, such as a lease its account. */
export interface LoginIntent extends Pick<LoginMessage, 'operation' | 'provider' | 'path' | 'method'> {
  /** To be called at once, with what says that the intent is on record: nothing is sent before it resolves, nor if it rejects. */
  readonly waitFor: WaitFor
}

/** What came of it, where that is another operation, or a failure that does not reject. */
type Found = Partial<Pick<LoginMessage, 'operation' | 'code'>>

export interface LoginEvents {
  /**
   * Runs it, and tells what came of it; `found` says what a result is, where that is more than a success. With `effect` its intent is told before,
   * and whoever records the one and the other is waited for.
   */
  readonly report: <T>(
    operation: LoginMessage['operation'],
    run: () => Promise<T>,
    about?: { readonly path?: string; readonly found?: (result: T) => Found; readonly effect?: true },
  ) => Promise<T>
}

export function loginEvents(provider: string, method: string): LoginEvents {
  const [intents, events] = [channel('finchat.secrets.intent'), channel('finchat.secrets.login')]
  return {
    report: async (operation, run, { path, found, effect = false } = {}) => {
      const startedAt = Date.now()
      const about = { operation, provider, path, method }
      const isTold = ({ code, ...other }: Found): Promise<boolean> => {
        const outcome = code === undefined ? 'ok' : 'error'
        return tell(events, { ...about, outcome, code, durationMs: Date.now() - startedAt, ...other }, effect)
      }
      const result = await sent(run, effect ? tell(intents, about, effect) : undefined).catch(async (error: unknown) => {
        await isTold({ code: SecretsError.isInstance(error) ? error.code : 'INTERNAL' })
        throw error
      })
      const outcome = found?.(result) ?? {}
      if (!(await isTold(outcome))) throw unrecorded(outcome)
      return result
    },
  }
}

async function sent<T>(run: () => Promise<T>, isIntentTold: Promise<boolean> | undefined): Promise<T> {
  if (isIntentTold === undefined || (await isIntentTold)) return run()
  throw new SecretsError('AUDIT_FAILED', 'the intent could not be recorded, so nothing was sent', { remedy })
}

/** What was made is there, though nobody gets it: it ends with its time, or with the token. */
function unrecorded({ code }: Found): SecretsError {
  if (code !== undefined) return new SecretsError('AUDIT_FAILED', 'the outcome could not be recorded', { remedy })
  return new SecretsError('AUDIT_FAILED', 'the outcome could not be recorded, though it was done', { remedy, effect: 'done' })
}

const remedy = 'mend the audit trail'

/** Tells whoever listens. Resolves to whether all who record it, where they are waited for, have done so. */
async function tell(on: Channel, message: object, isWaitedFor: boolean): Promise<boolean> {
  if (!on.hasSubscribers) return true
  const waiting: Promise<void>[] = []
  const waitFor: WaitFor = (promise) => void waiting.push(promise)
  on.publish(isWaitedFor ? { ...message, waitFor } : message)
  const answers = await Promise.allSettled(waiting)
  return answers.every(({ status }) => status === 'fulfilled')
}
