import { member } from '@finchat/secrets-core/http'
import { isJsonObject } from '@finchat/secrets-core/provider'

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** An answer of the server. */
export interface VaultAnswer {
  readonly status: number
  /** The body exactly as sent. */
  readonly text: string
  /** The body as an object; undefined if it is none. */
  readonly body: JsonObject | undefined
  readonly retryAfter?: string | undefined
  /** The state of the cluster, sent back with later requests. */
  readonly index?: string | undefined
  /** The server's time, to the second. */
  readonly date?: string | undefined
}

/**
 * The earliest time of the answer, by the server's clock, in epoch milliseconds; our clock if the
 * server sends no date.
 */
export function timeOf({ date = '' }: VaultAnswer): number {
  const second = Date.parse(date)
  return Number.isNaN(second) ? Date.now() : second + 999
}

export function vaultAnswer(status: number, text: string, headers: Pick<VaultAnswer, 'retryAfter' | 'index' | 'date'> = {}): VaultAnswer {
  return { status, text, body: objectIn(text), ...headers }
}

/** Whether the server's `errors` or `warnings` contain the phrase. They are never shown. */
export function says(answer: VaultAnswer, where: 'errors' | 'warnings', phrase: string): boolean {
  const lines = member(answer.body, where)
  return Array.isArray(lines) && lines.some((line) => typeof line === 'string' && line.includes(phrase))
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
