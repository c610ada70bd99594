import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { context } from '../workload/observe.ts'
import { Acknowledged, type Written } from './acknowledged.ts'
import { isWhole, type Orders, writersKey } from './orders.ts'

const sizes: Readonly<Record<Scale, { readonly rotations: number; readonly names: number }>> = {
  short: { rotations: 50, names: 1 },
  long: { rotations: 1000, names: 10 },
}
const writers = 8
const readers = 2

export const storeWriters: FaultInjection = {
  name: 'eight writers of one file',
  promise: 'every version once, none lost; no reader sees less than what was acknowledged before it asked',
  run: (scale) => inScratch((folder) => run(join(folder, 'secrets.db'), scale)),
}

async function run(path: string, scale: Scale): Promise<Tally> {
  const { rotations, names } = sizes[scale]
  const tally = new Tally()
  const orders: Orders = { path, names: Array.from({ length: names }, (_, n) => `rotated/${n}`), rotations }
  const acknowledged = new Acknowledged(tally)
  const reading = Array.from({ length: readers }, () => startReader(orders, tally))
  const writing = Array.from({ length: writers }, (_, id) =>
    writeBeside({ ...orders, id }, (written) => {
      acknowledged.add(written)
      for (const reader of reading) reader.tell(written)
    }),
  )
  const provider = localProvider({ path, key: writersKey, lockTimeoutMs: 60_000 })
  const end = readBeside(provider, orders.names, acknowledged, tally)
  for (const { code, complaint } of await Promise.all(writing)) if (code !== 0) tally.fault(`a writer ended with ${code}: ${complaint}`)
  await Promise.all([end(), ...reading.map((reader) => reader.end())])
  await checkAll(provider, orders.names, acknowledged, tally)
  if (tally.of('rotations') !== writers * rotations) tally.fault(`only ${tally.of('rotations')} rotations were acknowledged`)
  await provider.close()
  return tally
}

/** Starts a writer; resolves to its exit code and its errors. */
async function writeBeside(orders: Orders, wrote: (written: Written) => void): Promise<{ code: number | null; complaint: string }> {
  const child = start(join(import.meta.dirname, 'writer-process.ts'), orders, { stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.stdout) createInterface(child.stdout).on('line', (line) => wrote(JSON.parse(line) as Written)) // as our own program wrote it
  let complaint = ''
  child.stderr?.on('data', (text) => (complaint += text))
  return { code: await ended(child), complaint }
}

interface Reader {
  readonly tell: (written: Written) => void
  readonly end: () => Promise<unknown>
}

/**
 * A reader in another process, which receives each acknowledged version and must find it or a newer
 * one.
 */
function startReader(orders: Orders, tally: Tally): Reader {
  const child = start(join(import.meta.dirname, 'reader-process.ts'), orders)
  const hear = (line: string): void => (line === 'ok' ? tally.count('reads by other processes') : tally.fault(`another process: ${line}`))
  if (child.stdout) createInterface(child.stdout).on('line', hear)
  return {
    tell: ({ name, version }) => void child.stdin?.write(`${JSON.stringify({ name, version })}\n`),
    end: async () => {
      child.stdin?.end()
      if ((await ended(child)) !== 0) tally.fault('a reader failed')
    },
  }
}

/** Reads all the time, until the returned function is called. */
function readBeside(provider: LocalProvider, names: readonly string[], acknowledged: Acknowledged, tally: Tally): () => Promise<void> {
  const end = new AbortController()
  const reading = readUntil(end.signal, async () => {
    for (const name of names) await readOne(provider, name, acknowledged.highest(name), tally)
  })
  return () => {
    end.abort()
    return reading
  }
}

async function readUntil(end: AbortSignal, read: () => Promise<void>): Promise<void> {
  while (!end.aborted) {
    await read()
    await sleep(1)
  }
}

async function readOne(provider: LocalProvider, name: string, least: number, tally: Tally): Promise<void> {
  const secret = await provider.get(name, context)
  if ((secret?.version ?? 0) < least) tally.fault(`read version ${secret?.version} of ${name} after ${least} was acknowledged`)
  if (secret && !isWhole(secret.value)) tally.fault(`read half a value of ${name}`)
  tally.count('reads in this process')
}

/**
 * Every acknowledged version is there with the value that its writer gave it, and there is no
 * other.
 */
async function checkAll(provider: LocalProvider, names: readonly string[], acknowledged: Acknowledged, tally: Tally): Promise<void> {
  for (const name of names) {
    const written = acknowledged.of(name)
    const newest = (await provider.get(name, context))?.version ?? 0
    if (newest !== written.length) tally.fault(`the newest version of ${name} is ${newest}, of ${written.length} that were acknowledged`)
    for (const { version, value } of written) {
      const found = await provider.getVersion(name, version, context)
      if (found?.value !== value) tally.fault(`version ${version} of ${name} is not what was written`)
      tally.count('versions checked')
    }
  }
}
