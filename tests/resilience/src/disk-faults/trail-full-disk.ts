import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifiedTrail } from '@finchat/secrets-audit/report'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, Tally } from '../harness/fault-injection.ts'
import { inMemory } from '../harness/scratch.ts'

export interface DiskOrders {
  /**
   * What is done to the disk; with `limit` the process itself may write no more than so much into
   * one file.
   */
  readonly stages: 'limit' | 'mount'
  readonly disk: string
  /** Where the trail is copied to in the end. */
  readonly copy: string
  readonly result: string
}

export type Stage = 'limited' | 'filling' | 'room' | 'read-only' | 'writable'

/** One read of a secret, and how it ended. */
export interface Read {
  readonly stage: Stage
  readonly requestId: string
  readonly code?: string | undefined
  readonly message?: string | undefined
}

export interface DiskResult {
  readonly key: string
  readonly reads: readonly Read[]
}

export const trailFullDisk: FaultInjection = {
  name: 'an audit trail on a full disk',
  promise: 'no value without its record: AUDIT_FAILED, which says why; the trail goes on when it can, and verifies',
  run: () => inMemory(run),
}

/** Needs no right. */
const limited = ['sh', '-c', 'ulimit -f 300; exec "$@"', 'sh']
const unshared = ['unshare', ...(process.geteuid?.() === 0 ? [] : ['--map-root-user']), '--mount']

async function run(folder: string): Promise<Tally> {
  const tally = new Tally()
  await readUnder(limited, 'limit', join(folder, 'limit'), tally)
  if (canMount(folder)) await readUnder(unshared, 'mount', join(folder, 'mount'), tally)
  else tally.notRun.push('needs the right to mount a file system of its own, by unshare: no disk was filled or made read-only')
  return tally
}

function canMount(folder: string): boolean {
  return spawnSync('unshare', [...unshared.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' }).status === 0
}

async function readUnder(under: readonly string[], stages: DiskOrders['stages'], folder: string, tally: Tally): Promise<void> {
  const orders: DiskOrders = { stages, disk: join(folder, 'disk'), copy: join(folder, 'copy'), result: join(folder, 'result.json') }
  mkdirSync(orders.disk, { recursive: true })
  const child = start(join(import.meta.dirname, 'trail-full-disk-process.ts'), orders, { under })
  if ((await ended(child)) !== 0 || !existsSync(orders.result)) return tally.fault(`the process ended before its time (${stages})`)
  const result = JSON.parse(readFileSync(orders.result, 'utf8')) as DiskResult // as our own program wrote it
  judgeReads(result.reads, tally)
  return judgeRecords(join(orders.copy, 'trail'), result, tally)
}

/** What a refusal must say. Where there is room, there is none. */
const reasons: Readonly<Record<Stage, string | undefined>> = {
  limited: 'larger than this process may write',
  filling: 'the disk of the audit trail is full',
  room: undefined,
  'read-only': 'the file system of the audit trail is read-only',
  writable: undefined,
}

function judgeReads(reads: readonly Read[], tally: Tally): void {
  for (const { stage, requestId, code, message } of reads) {
    tally.count(`${stage}: ${code ?? 'value given'}`)
    const reason = reasons[stage]
    const isClear = code === 'AUDIT_FAILED' && reason !== undefined && message?.includes(reason)
    const isGiven = code === undefined && stage !== 'read-only'
    if (!isClear && !isGiven) tally.fault(`${requestId}: ${code}: ${message}`)
  }
}

async function judgeRecords(folder: string, { key, reads }: DiskResult, tally: Tally): Promise<void> {
  const { verification, result: recorded } = await verifiedTrail(folder, { key }, async (records) => {
    const requests = new Set<string | undefined>()
    for await (const { requestId } of records) requests.add(requestId)
    return requests
  })
  if (!verification.ok) tally.fault(`verification: ${JSON.stringify(verification.problem)}`)
  for (const { requestId, code } of reads) if (code === undefined && !recorded.has(requestId)) tally.fault(`${requestId} is on no record`)
  const refused = reads.filter(({ code }) => code !== undefined).length
  if (verification.missed !== refused) tally.fault(`gap records tell of ${verification.missed} missed records, not of ${refused}`)
  tally.count('records verified', verification.records)
  tally.count('refused records counted by a gap record', verification.missed)
}
