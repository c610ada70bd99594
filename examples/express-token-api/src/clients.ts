// Four clients that call the service all the time, each with a token of its own.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Clients {
  readonly counts: { readonly requests: number; readonly refused: number }
  /** They get the new token one after the other, as real ones do. */
  readonly learn: (token: string) => Promise<void>
  readonly stop: () => Promise<void>
}

export function startClients(url: string, firstToken: string): Clients {
  const tokens = [firstToken, firstToken, firstToken, firstToken]
  const counts = { requests: 0, refused: 0 }
  const ending = new AbortController()
  const call = async (client: number): Promise<void> => {
    while (!ending.signal.aborted) {
      const { ok } = await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${tokens[client]}` } })
      counts.requests += 1
      if (!ok) counts.refused += 1
      await sleep(5)
    }
  }
  const calls = tokens.map((_, client) => call(client))
  const learn = async (token: string): Promise<void> => {
    for (const client of tokens.keys()) {
      await sleep(100)
      tokens[client] = token
    }
  }
  const stop = async (): Promise<void> => {
    ending.abort()
    await Promise.all(calls)
  }
  return { counts, learn, stop }
}
