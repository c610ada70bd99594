import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '@finchat/secrets-cache-keyv'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { type ServerKind, serverKinds, withServer } from './servers.ts'
import { type Member, startMember } from './shared-fleet.ts'
import { TrialStore } from './trial-store.ts'

const rotations: Readonly<Record<Scale, number>> = { short: 4, long: 50 }
const members = 6
const name = 'rotated'
const ttlSeconds = 300
const recheckSeconds = 1

/**
 * How a process finds out, and how long after the store was written it may still serve the old
 * value: milliseconds.
 */
interface Way {
  readonly title: string
  readonly listens: boolean
  readonly boundMs: number
}

/** A subscriber is promised 100 ms. A busy machine may be later, but not by the TTL. */
const slackMs = 5000
const ways: readonly Way[] = [
  { title: 'who listen', listens: true, boundMs: 100 },
  { title: `who believe their memory for ${recheckSeconds} s`, listens: false, boundMs: recheckSeconds * 1000 },
]

export const fleetRotation: FaultInjection = {
  name: 'rotation in a fleet',
  promise:
    'under reads all the time no process serves the old value after the bound: at once where it listens, else for as long as memory is believed',
  run: async (scale) => {
    const tally = new Tally()
    for (const kind of serverKinds) {
      await withServer(kind, tally, async ({ url }) => {
        for (const way of ways) await rotate(kind, url, way, rotations[scale], tally)
      })
    }
    return tally
  },
}

async function rotate(kind: ServerKind, url: string, way: Way, times: number, tally: Tally): Promise<void> {
  const store = new TrialStore()
  const cache = { encryptionKey: generateKey(), timeoutMs: 4_000 } // a busy machine keeps the server from answering in its usual time
  const options = { kind, url, provider: store.provider(), ttlSeconds, recheckSeconds, hasClient: true, listens: way.listens, cache }
  const [writer, ...readers] = await Promise.all(Array.from({ length: members }, () => startMember(options)))
  if (!writer) throw new Error('a fleet has members')
  await writer.secrets.storeSecret(name, 'value 1')
  for (let n = 2; n <= times + 1; n += 1) {
    const watching = readers.map((reader) => lastOldRead(reader, `value ${n - 1}`, `value ${n}`))
    await sleep(200) // until the old value is in every memory
    await writer.secrets.rotateSecret(name, `value ${n}`)
    for (const lastOldAt of await Promise.all(watching)) note(kind, way, Math.max(0, lastOldAt - store.writtenAt), tally)
  }
  await Promise.all([writer, ...readers].map((each) => each.close()))
}

function note(kind: ServerKind, { title, boundMs }: Way, oldForMs: number, tally: Tally): void {
  const longest = `ms until the last old value, of processes ${title} (${kind})`
  tally.count('processes that saw a rotation')
  tally.counts.set(longest, Math.max(tally.of(longest), Math.ceil(oldForMs)))
  if (oldForMs > boundMs + slackMs)
    tally.fault(`the old value was served ${oldForMs.toFixed(0)} ms after the rotation, by one of those ${title} (${kind})`)
}

/**
 * Reads all the time, until the new value comes; resolves to when the last read began that brought
 * the old one.
 */
async function lastOldRead({ secrets }: Member, before: string, after: string): Promise<number> {
  let lastOldAt = -Infinity
  for (const giveUpAt = performance.now() + 60_000; performance.now() < giveUpAt; await sleep(1)) {
    const startedAt = performance.now()
    const value = await secrets.getSecret(name)
    if (value === after) return lastOldAt
    if (value !== before) throw new Error(`read '${value}' between '${before}' and '${after}'`)
    lastOldAt = startedAt
  }
  return lastOldAt
}
