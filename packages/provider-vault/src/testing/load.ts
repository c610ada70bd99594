import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsError, type WriteReceipt } from '@finchat/secrets-core'

/**
 * Makes so many calls a second, without waiting for earlier ones, until `end`, which resolves to
 * all outcomes.
 */
export function steadily<T>(perSecond: number, call: () => Promise<T>): { readonly end: () => Promise<PromiseSettledResult<T>[]> } {
  const calls: Promise<PromiseSettledResult<T>>[] = []
  const timer = setInterval(() => void calls.push(settled(call())), 1000 / perSecond)
  return {
    end: () => {
      clearInterval(timer)
      return Promise.all(calls)
    },
  }
}

/** A write of a unique value. */
export interface AttemptedWrite {
  readonly path: string
  readonly value: string
  readonly outcome: PromiseSettledResult<WriteReceipt>
}

/** Writes one value after the other to a path, until `end`. */
export function writeOn(
  path: string,
  write: (path: string, value: string) => Promise<WriteReceipt>,
): { readonly end: () => Promise<AttemptedWrite[]> } {
  const attempts: AttemptedWrite[] = []
  const ending = new AbortController()
  const run = async (): Promise<void> => {
    for (let n = 1; !ending.signal.aborted; n += 1) {
      const value = `${path} ${n}`
      attempts.push({ path, value, outcome: await settled(write(path, value)) })
      await sleep(40)
    }
  }
  const running = run()
  return {
    end: async () => {
      ending.abort()
      await running
      return attempts
    },
  }
}

/** The outcome that the writer saw. */
export function outcomeOf({ outcome }: AttemptedWrite): 'done' | 'not done' | 'unknown' {
  if (outcome.status === 'fulfilled') return 'done'
  const reason: unknown = outcome.reason
  if (!SecretsError.isInstance(reason)) throw reason
  return reason.effect ?? 'not done'
}

export async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([promise])
  return result
}
