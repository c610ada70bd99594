import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsError, type SecretsManager } from '@finchat/secrets-core'

/**
 * One read: who answered and how good the answer is, such as `vault, degraded`, or
 * `failed: UNAVAILABLE`.
 */
export interface Read {
  readonly outcome: string
  readonly tookMs: number
}

export interface ReadLoad {
  readonly reads: readonly Read[]
  /** Resolves to the next read that ends so. */
  readonly next: (outcome: string, signal: AbortSignal) => Promise<Read>
  /** Resolves when every read that was begun has ended. */
  readonly stop: () => Promise<void>
}

const pauseMs = 25

/** Begins a read every 25 ms, of one name after another, whether or not those before have ended. */
export function startReads(secrets: SecretsManager, names: readonly string[], onRead: (read: Read) => void): ReadLoad {
  const reads: Read[] = []
  const open = new Set<Promise<void>>()
  const stopping = new AbortController()
  const begin = (name: string): void => {
    const read = timedRead(secrets, name).then((each) => {
      reads.push(each)
      onRead(each)
      open.delete(read)
    })
    open.add(read)
  }
  const all = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      begin(String(names[turn % names.length]))
      await sleep(pauseMs)
    }
  })()
  const next = async (outcome: string, signal: AbortSignal): Promise<Read> => {
    const before = reads.length
    for (;;) {
      const found = reads.slice(before).find((read) => read.outcome === outcome)
      if (found !== undefined) return found
      await sleep(pauseMs, undefined, { signal })
    }
  }
  const stop = async (): Promise<void> => {
    stopping.abort()
    await all
    await Promise.all(open)
  }
  return { reads, next, stop }
}

async function timedRead(secrets: SecretsManager, name: string): Promise<Read> {
  const startedAt = performance.now()
  const outcome = await outcomeOf(secrets, name)
  return { outcome, tookMs: performance.now() - startedAt }
}

async function outcomeOf(secrets: SecretsManager, name: string): Promise<string> {
  try {
    const { provider, stale, degraded } = await secrets.getSecretValue(name)
    return [provider, ...(stale ? ['stale'] : []), ...(degraded ? ['degraded'] : [])].join(', ')
  } catch (error) {
    return `failed: ${SecretsError.isInstance(error) ? error.code : 'not a SecretsError'}`
  }
}
