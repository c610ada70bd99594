import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type AuditVerification, verifyAuditTrail } from '@finchat/secrets-audit'
import { eraseAuditNames } from '@finchat/secrets-audit/folder'
import { openAuditNames, verifiedTrail } from '@finchat/secrets-audit/report'
import { hasCode } from '@finchat/secrets-core/provider'
import { ended, start } from '../harness/child.ts'
import type { FaultInjection, Scale, Tally } from '../harness/fault-injection.ts'
import { inMemory } from '../harness/scratch.ts'
import { withStrace } from '../harness/strace.ts'
import { personOf, type RotatingOrders } from '../workload/rotating-orders.ts'
import { newTrailFolder, recordEnds } from '../workload/trail-folder.ts'

/** All calls that change a file or a name, and those that make it durable. */
const calls = ['mkdir', 'openat', 'write', 'pwrite64', 'ftruncate', 'fsync', 'fdatasync', 'rename', 'unlink']
/** Every so many of each kind. */
const every: Readonly<Record<Scale, number>> = { short: 3, long: 1 }
/** Its person is erased at the end. */
const erasedRecord = 'before-1'
/** More than a process makes of one kind. */
const mostCalls = 60

export const trailRotationKill: FaultInjection = {
  name: 'kill -9 of a process that begins the next folder of a trail, and erases a name',
  promise:
    'no acknowledged record lost, nor the name of its person, but the erased one, which the index tells; the trail verifies as it was left, and goes on',
  run: (scale) =>
    withStrace(async (tally) => {
      for (const call of calls) await killAtEach(call, every[scale], tally)
    }),
}

async function killAtEach(call: string, step: number, tally: Tally): Promise<void> {
  for (let count = 1; count <= mostCalls; count += step) {
    const isOver = await inMemory((folder) => killAt(folder, call, count, tally))
    if (isOver) return
  }
}

/** Returns whether the process made fewer calls on the trail's files. */
async function killAt(parent: string, call: string, count: number, tally: Tally): Promise<boolean> {
  const made: RotatingOrders = { ...(await newTrailFolder(parent)), names: join(parent, 'names.key') }
  const child = start(join(import.meta.dirname, '../workload/rotating-trail-process.ts'), made, { under: killing(made, call, count) })
  const output = child.stdout === null ? '' : await text(child.stdout)
  const code = await ended(child)
  if (code !== null && code !== 0) tally.count('ended with an error')
  tally.count(code === 0 ? 'ran to their end' : 'kills')
  const where = `killed at ${call} ${count}`
  await judge(made, output.split('\n').slice(0, -1), where, tally)
  return code === 0
}

/** In one thread of the pool, so that its calls are counted together. */
function killing({ folder, names: keys }: RotatingOrders, call: string, count: number): string[] {
  const day = new Date().toISOString().slice(0, 10)
  const names = ['', 'index.jsonl', 'key.json', 'key.json.new', 'segment-00000001.jsonl']
  const paths = ['', day].flatMap((within) => names.map((name) => join(folder, within, name)))
  const only = [...paths, keys].flatMap((path) => ['-P', path])
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${count}`]
  return ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-qq', '-o', '/dev/null', ...only, ...inject]
}

/** As the process left it, and once the next one has written. */
async function judge(made: RotatingOrders, acknowledged: readonly string[], where: string, tally: Tally): Promise<void> {
  const { folder, key, checkpoints } = made
  const left = await verifyAuditTrail(folder, { key })
  if (!left.ok) tally.fault(`${where}: ${left.problem?.file}:${left.problem?.line} ${left.problem?.explanation}`)
  await recordEnds(made)
  const { verification, result: names } = await verifiedTrail(folder, { key, checkpoint: checkpoints }, async (records) => {
    const found = new Map<string, string | undefined>()
    const opened = existsSync(made.names) ? openAuditNames(records, { file: made.names }) : records
    for await (const { name, actor } of opened) found.set(name, actor)
    return found
  })
  if (!verification.ok) tally.fault(`${where}, then written to: ${verification.problem?.file} ${verification.problem?.explanation}`)
  const records = acknowledged.filter((line) => line !== 'erased')
  for (const name of records) {
    if (!names.has(name)) tally.fault(`${where}: ${name} was acknowledged and is gone`)
    else if (names.get(name) !== personOf(name) && name !== erasedRecord) tally.fault(`${where}: the person of ${name} is not known`)
  }
  if (names.has(erasedRecord))
    await judgeErasure(made, { verification, actor: names.get(erasedRecord), isOver: acknowledged.includes('erased') }, where, tally)
  tally.count('acknowledged records found', records.length)
  tally.count(`found with ${verification.folders.length === 1 ? 'one folder' : 'two folders'}`)
}

interface Erasure {
  readonly verification: AuditVerification
  /** What the record shows of its person. */
  readonly actor: string | undefined
  /** It was acknowledged. */
  readonly isOver: boolean
}

/** Either the name is known, or the index says that it is not. Another run ends what was begun. */
async function judgeErasure(made: RotatingOrders, { verification, actor, isOver }: Erasure, where: string, tally: Tally): Promise<void> {
  const isKnown = actor === personOf(erasedRecord)
  if (isKnown && isOver) tally.fault(`${where}: an erased name is known`)
  if (!isKnown && verification.erasures.length === 0) tally.fault(`${where}: a name is gone, and the index says nothing of it`)
  const again = eraseAuditNames(made.folder, { file: made.names, names: [personOf(erasedRecord)], reason: 'request 17' })
  await again.catch((error: unknown) => {
    if (isKnown || !hasCode(error, 'NOT_FOUND')) throw error
  })
  if (readFileSync(made.names, 'utf8').includes(personOf(erasedRecord))) tally.fault(`${where}: an erased name is in the file of keys`)
  tally.count(`found with the name ${isKnown ? 'known' : 'erased'}`)
}
