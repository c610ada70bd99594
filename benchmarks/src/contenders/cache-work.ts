// What every contender of the group does, each in its own way.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSnapshot } from 'node:v8'
import { repeated, timed } from '../harness/measure.ts'
import type { Contender, Sample } from '../harness/scenario.ts'

export const secretName = 'FINCHAT_TOKEN'
export const ttlMs = 300_000

/**
 * Puts the secret of a store into the cache; what it returns reads it from there. The store makes
 * the text anew each time that it is asked.
 */
export type ReadCached = (store: () => string) => (() => Promise<unknown>) | Promise<() => Promise<unknown>>

export function cachedReads(cache: ReadCached): Contender {
  return async ({ scale }) => {
    const read = await cache(() => 'the value of the secret')
    return { round: () => repeated(150 * scale, 'ns', read) }
  }
}

/** How many copies of a value are in the heap of an idle process that holds it in its cache. */
export function copiesInHeap(cache: ReadCached): Contender {
  return async () => {
    const canary = Buffer.from(randomBytes(20).toString('hex')) // its bytes lie outside the heap
    const read = await cache(() => canary.toString())
    return {
      round: async () => {
        for (let each = 0; each < 1_000; each += 1) await read()
        await sleep(20)
        return { copies: occurrences(await heapSnapshot(), canary) }
      },
    }
  }
}

async function heapSnapshot(): Promise<Buffer> {
  const chunks: Buffer[] = []
  const snapshot = getHeapSnapshot()
  snapshot.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(snapshot, 'end')
  return Buffer.concat(chunks)
}

function occurrences(text: Buffer, part: Buffer): number {
  let count = 0
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) count += 1
  return count
}

/** A store that takes 20 ms, and counts how often it is asked. */
interface SlowStore {
  readonly get: (name: string) => Promise<string>
}

/** Through the cache, which is empty; it asks the store. */
export type ReadThrough = (store: SlowStore) => (name: string) => Promise<unknown>

/** Concurrent reads of a secret that the cache does not hold. */
export function coldReads(through: ReadThrough): Contender {
  return ({ scale }) => {
    let calls = 0
    const get = async (name: string): Promise<string> => {
      calls += 1
      await sleep(20)
      return `the value of ${name}`
    }
    const read = through({ get })
    let rounds = 0
    return {
      round: async () => {
        calls = 0
        const name = `secret-${(rounds += 1)}`
        const sample = await timed(1, 'ms', () => Promise.all(Array.from({ length: 10_000 * scale }, () => read(name))))
        return { ...sample, calls }
      },
    }
  }
}

/** Names that are asked for once each, far more than the cache may hold. */
export function distinctReads(through: ReadThrough): Contender {
  return ({ scale }) => {
    const read = through({ get: async (name) => `the value of ${name}` })
    let rounds = 0
    const readAll = async (from: number, to: number): Promise<Sample> => {
      const start = `secret-${rounds}-`
      return timed(to - from, 'µs', async () => {
        for (let index = from; index < to; index += 1) await read(start + index)
      })
    }
    return {
      round: async () => {
        rounds += 1
        await readAll(0, 20_000 * scale)
        const before = await memoryHeld()
        const sample = await readAll(20_000 * scale, 100_000 * scale)
        return { ...sample, growth: (await memoryHeld()) - before }
      },
    }
  }
}

/** MB that are in use when the garbage is gone, buffers included. */
export async function memoryHeld(): Promise<number> {
  for (let each = 0; each < 4; each += 1) {
    globalThis.gc?.()
    await sleep(20) // finalizers run in between
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}
