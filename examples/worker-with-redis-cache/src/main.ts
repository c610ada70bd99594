// `npm start`: four processes, one call to the store for all, and a rotation that each of them sees.
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { generateKey } from '@finchat/secrets-cache-keyv'
import { createClient } from '@keyv/redis'
import { startStore, type Store } from './store.ts'
import type { Task } from './worker.ts'

const redisUrl = process.env['REDIS_URL']
const newPassword = (): string => randomBytes(24).toString('base64url')
const [first, second] = [newPassword(), newPassword()]

async function ask(worker: ChildProcess, task: Task): Promise<number> {
  worker.send(task)
  const [{ answer }] = (await once(worker, 'message')) as [{ answer: number }] // as worker.ts sends it
  return answer
}

function print(what: string, result: string): void {
  console.log(`   ${what.padEnd(40)} ${result}`)
}

async function play(url: string, store: Store, namespace: string): Promise<void> {
  const start = { redisUrl: url, storeUrl: store.url, encryptionKey: generateKey(), namespace }
  const startWorker = async (): Promise<ChildProcess> => {
    const worker = fork(new URL('worker.ts', import.meta.url))
    worker.once('exit', (code) => code === 0 || process.exit(1)) // it has printed why
    await ask(worker, { start })
    return worker
  }
  const workers = await Promise.all([startWorker(), startWorker(), startWorker(), startWorker()])

  console.log('1  Four processes read the same secret 1,000 times, all at once')
  await Promise.all(workers.map((worker) => ask(worker, { read: 1_000 })))
  print('calls to the store', String(store.reads()))
  if (store.reads() !== 1) process.exitCode = 1

  console.log('\n2  The first process rotates it')
  const before = store.reads()
  const version = await ask(workers[0], { rotate: second })
  const rotatedAt = Date.now()
  const seenAt = await Promise.all(workers.map((worker) => ask(worker, { until: version })))
  for (const [n, at] of seenAt.entries()) print(`process ${n + 1} has version ${version}`, `after ${Math.max(1, at - rotatedAt)} ms`)
  print('calls to the store', String(store.reads() - before))

  console.log('\n3  A fifth process starts')
  const beforeFifth = store.reads()
  const fifth = await startWorker()
  print('it reads version', String(await ask(fifth, { read: 1 })))
  print('calls to the store', String(store.reads() - beforeFifth))

  for (const worker of [...workers, fifth]) worker.disconnect()
  await Promise.all([...workers, fifth].map((worker) => once(worker, 'exit')))
}

/** What somebody with access to the server reads there. It is removed. */
async function lookIntoRedis(url: string, keysBefore: ReadonlySet<string>): Promise<void> {
  console.log('\n4  Look into Redis')
  const client = await createClient({ url }).connect()
  const keys = (await client.keys('fs1:*')).filter((key) => !keysBefore.has(key))
  const values = await Promise.all(keys.map((key) => client.get(key)))
  const leaked = [...keys, ...values].filter((text) => [first, second, 'DATABASE_PASSWORD'].some((word) => text?.includes(word)))
  if (leaked.length > 0) process.exitCode = 1
  print(`${keys.length} keys`, `${leaked.length} with the name or a value in plain text`)
  if (keys.length > 0) await client.unlink(keys)
  client.destroy()
}

/** None if no server can be used there: the remedy is printed. */
async function keysOf(url: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {}) // connect() rejects with it; without a listener it would end the process
    await client.connect()
    const keys = await client.keys('fs1:*')
    client.destroy()
    return new Set(keys)
  } catch (error) {
    refuse(`No Redis or Valkey can be used at REDIS_URL (${reasonOf(error)})`)
    return undefined
  }
}

/** `ECONNREFUSED`, or the first word of the server's answer, such as `WRONGPASS`. Never the URL, which may hold a password. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error ? String(error.code) : (error.message.split(' ')[0] ?? '')
}

function refuse(problem: string): void {
  process.stderr.write(`${problem}: see README.md.\n`)
  process.exitCode = 1
}

const keysBefore = redisUrl === undefined ? undefined : await keysOf(redisUrl)
if (redisUrl === undefined) refuse('Set REDIS_URL to a Redis or Valkey')
else if (keysBefore !== undefined) {
  const store = await startStore(first)
  await play(redisUrl, store, `example-${randomBytes(4).toString('hex')}`)
  await lookIntoRedis(redisUrl, keysBefore)
  store.stop()
}
