import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TrailEvent } from './record-maker.ts'

const loginChannel = 'finchat.secrets.login'

/**
 * Calls `listener` with every login, renewal and lease of every provider of this process, after it happened. Returns what ends it.
 */
export function onLogin(listener: (event: TrailEvent) => void): () => void {
  const heard = (message: unknown): void => {
    const event = asEvent(message)
    if (event !== undefined) listener(event)
  }
  subscribe(loginChannel, heard)
  return () => void unsubscribe(loginChannel, heard)
}

/** What a provider publishes; whatever is no such message is not ours to record. */
function asEvent(message: unknown): TrailEvent | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { operation, provider, path, method, outcome, code, durationMs } = message as Record<string, never> // the record maker looks at each
  if (typeof operation !== 'string') return undefined
  return { phase: 'outcome', time: Date.now(), operation, name: path ?? '', provider, method, outcome, code, durationMs }
}
