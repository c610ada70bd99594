import type { VaultAnswer } from './answer.ts'

/** One request, complete but for what every request carries. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/v1/`, each segment encoded already. */
  readonly path: string
  /** JSON text, sent as it is. */
  readonly body?: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Sends one request, once. Rejects with `Unanswered`, and with nothing else, when there was no whole answer. */
export type Exchange = (request: VaultRequest, signal: AbortSignal) => Promise<VaultAnswer>

export interface Transport {
  readonly exchange: Exchange
  /** Ends the connections. */
  readonly close: () => void
}
