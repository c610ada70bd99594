import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { latencies } from '../latency.ts'
import { short } from './short-timeline.ts'

/** A store over HTTP that counts its calls, and is down for a part of the short timeline. */
export class RealStore {
  readonly calls: number[] = Array.from({ length: short.end }, () => 0)
  #begunAt = performance.now()
  readonly #server: Server = createServer((_, answer) => {
    const second = Math.floor((performance.now() - this.#begunAt) / 1000)
    if (second < short.end) this.calls[second] = (this.calls[second] ?? 0) + 1
    const isDown = second >= short.outageFrom && second < short.backAt
    setTimeout(() => answer.writeHead(isDown ? 503 : 200).end('a secret of thirty-two characters'), latencies.store())
  })

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port // of TCP
  }

  begin(): void {
    this.#begunAt = performance.now()
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
