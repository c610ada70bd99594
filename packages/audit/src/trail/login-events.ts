import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TrailEvent } from '../record/record-maker.ts'

const loginChannel = 'finchat.secrets.login'
const intentChannel = 'finchat.secrets.intent'

/**
 * Calls `record` after every login, renewal and lease of any provider in this process, and with the
 * intent before a lease is requested. The lease waits for both acknowledgements. Returns the
 * function that unsubscribes.
 */
export function onLogin(record: (event: TrailEvent) => Promise<void>): () => void {
  const happened = (message: unknown): void => {
    const event = asEvent(message)
    if (event === undefined) return
    const recorded = record(event)
    if (canWait(message)) message.waitFor(recorded)
    else recorded.catch(() => {}) // the gap says so
  }
  const intended = (message: unknown): void => {
    const event = asEvent(message)
    if (event !== undefined && canWait(message)) message.waitFor(record({ ...event, phase: 'intent' }))
  }
  subscribe(loginChannel, happened)
  subscribe(intentChannel, intended)
  return () => {
    unsubscribe(loginChannel, happened)
    unsubscribe(intentChannel, intended)
  }
}

function canWait(message: unknown): message is { readonly waitFor: (acknowledged: Promise<void>) => void } {
  return typeof message === 'object' && message !== null && 'waitFor' in message && typeof message.waitFor === 'function'
}

function asEvent(message: unknown): TrailEvent | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { operation, provider, path, method, outcome, code, durationMs } = message as Record<string, never> // the record maker looks at each
  if (typeof operation !== 'string') return undefined
  return { phase: 'outcome', time: Date.now(), operation, name: path ?? '', provider, method, outcome, code, durationMs }
}
