import { type Channel, channel } from 'node:diagnostics_channel'
import { type LoginCount, SecretsError } from '@finchat/secrets-core'

/** The message of the channel `finchat.secrets.login`. It never holds a credential or a token. */
export interface LoginMessage {
  /**
   * Concerns the token, or a leased secret and its path. `token`: a given token was taken, which
   * only its use proves; with `error`, Vault refused it.
   */
  readonly operation: 'login' | 'token' | 'renew' | 'revoke' | 'lease' | 'renew-lease' | 'revoke-lease'
  readonly provider: string
  readonly path?: string | undefined
  /** The login method: `approle`, `kubernetes`, … */
  readonly method: string
  readonly outcome: 'ok' | 'error'
  readonly code?: string | undefined
  readonly durationMs: number
  /**
   * For a lease: call it at once with the promise of your record. The lease is withheld until that
   * resolves, and if it rejects.
   */
  readonly waitFor?: WaitFor | undefined
}

type WaitFor = (acknowledged: Promise<void>) => void

/** The message of `finchat.secrets.intent`, before a request that creates an account. */
export interface LoginIntent extends Pick<LoginMessage, 'operation' | 'provider' | 'path' | 'method'> {
  /**
   * Call it at once with the promise of your record. The request waits for it, and is not sent if
   * it rejects.
   */
  readonly waitFor: WaitFor
}

/** The outcome, if it is another operation or a failure that does not reject. */
type Found = Partial<Pick<LoginMessage, 'operation' | 'code'>>

export interface LoginEvents {
  /**
   * Runs it and reports the outcome, which `found` reads from the result. With `effect` the intent
   * is reported first, and recorders are awaited.
   */
  readonly report: <T>(
    operation: LoginMessage['operation'],
    run: () => Promise<T>,
    about?: { readonly path?: string; readonly found?: (result: T) => Found; readonly effect?: true },
  ) => Promise<T>
  /** How often each operation ended so. */
  readonly counts: () => readonly LoginCount[]
}

export function loginEvents(provider: string, method: string): LoginEvents {
  const [intents, events] = [channel('finchat.secrets.intent'), channel('finchat.secrets.login')]
  const counted = new Map<string, LoginCount>()
  const count = ({ operation, code }: Pick<LoginMessage, 'operation' | 'code'>): void => {
    const key = `${operation} ${code}`
    counted.set(key, { operation, code, count: (counted.get(key)?.count ?? 0) + 1 })
  }
  return {
    counts: () => [...counted.values()],
    report: async (operation, run, { path, found, effect = false } = {}) => {
      const startedAt = Date.now()
      const about = { operation, provider, path, method }
      const isTold = ({ code, ...other }: Found): Promise<boolean> => {
        const outcome = code === undefined ? 'ok' : 'error'
        count({ operation, code, ...other })
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

/** The account exists until its time or its token ends. */
function unrecorded({ code }: Found): SecretsError {
  if (code !== undefined) return new SecretsError('AUDIT_FAILED', 'the outcome could not be recorded', { remedy })
  return new SecretsError('AUDIT_FAILED', 'the outcome could not be recorded, though it was done', { remedy, effect: 'done' })
}

const remedy = 'mend the audit trail'

/** Publishes. Resolves to whether all awaited recorders succeeded. */
async function tell(on: Channel, message: object, isWaitedFor: boolean): Promise<boolean> {
  if (!on.hasSubscribers) return true
  const waiting: Promise<void>[] = []
  const waitFor: WaitFor = (promise) => void waiting.push(promise)
  on.publish(isWaitedFor ? { ...message, waitFor } : message)
  const answers = await Promise.allSettled(waiting)
  return answers.every(({ status }) => status === 'fulfilled')
}
