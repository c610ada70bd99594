/** A JSON object of which nothing is known but that. */
export type JsonObject = Readonly<Record<string, unknown>>

/** What the server answered. */
export interface VaultAnswer {
  readonly status: number
  /** The body exactly as sent. */
  readonly text: string
  /** The same as an object; `undefined` if it is none, and so not Vault's own. */
  readonly body: JsonObject | undefined
  readonly retryAfter?: string | undefined
  /** The state of the cluster that the answer shows, to be sent back. */
  readonly index?: string | undefined
  /** The server's own time of the answer, to the second. */
  readonly date?: string | undefined
}

/** When the server answered, by its own clock, in epoch milliseconds: not before this. By ours where it does not tell. */
export function timeOf({ date = '' }: VaultAnswer): number {
  const second = Date.parse(date)
  return Number.isNaN(second) ? Date.now() : second + 999
}

export function vaultAnswer(status: number, text: string, headers: Pick<VaultAnswer, 'retryAfter' | 'index' | 'date'> = {}): VaultAnswer {
  return { status, text, body: objectIn(text), ...headers }
}

/** The own member of something that may be an object. */
export function member(value: unknown, ...keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as JsonObject)[key] // an object, as was looked
  }
  return found
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What the server says in its `errors` or `warnings`; to be recognised, never to be shown. */
export function says(answer: VaultAnswer, where: 'errors' | 'warnings', phrase: string): boolean {
  const lines = member(answer.body, where)
  return Array.isArray(lines) && lines.some((line) => typeof line === 'string' && line.includes(phrase))
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
