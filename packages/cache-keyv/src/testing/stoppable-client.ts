import type { RedisClient } from '../store/redis-client.ts'

/** Before the command reaches the server, or before its answer reaches the process. */
type Stop = 'before' | 'after'

/** The client of a process that can be stopped at its next conditional write of a roster. */
export interface StoppableClient extends RedisClient {
  readonly stop: (when: Stop) => void
  /** What it has sent arrives now. */
  readonly goOn: () => void
}

export function stoppable(client: RedisClient): StoppableClient {
  let stopAt: Stop | undefined
  let stopped: PromiseWithResolvers<void> | undefined
  const pass = async <T>(send: () => Promise<T>, isConditional = false): Promise<T> => {
    const at = isConditional ? stopAt : undefined
    if (at !== undefined) [stopped, stopAt] = [Promise.withResolvers(), undefined]
    if (at !== 'after') await stopped?.promise
    const answer = await send()
    await stopped?.promise
    return answer
  }
  const set = client.set as (...args: unknown[]) => Promise<unknown> // the options differ by family
  return {
    get: (key) => pass(() => client.get(key)),
    set: (...args: unknown[]) => pass(() => set(...args), String(args[0]).includes('}r') && JSON.stringify(args[2]).includes('NX')),
    del: (key) => pass(() => client.del(key)),
    info: (section) => pass(() => client.info?.(section) ?? Promise.resolve()),
    publish: (channel, message) => pass(() => client.publish(channel, message)),
    stop: (when) => void (stopAt = when),
    goOn: () => stopped?.resolve(),
  }
}
