// A trail as it lies on the disk after a long time, made without waiting for that time: by the format
// that docs/audit.md describes, and none of the package's code.
import { createHash, createHmac } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** How a trail was used. */
export interface TrailUse {
  /** The first moment, epoch milliseconds. */
  readonly from: number
  readonly days: number
  /** The trail of jobs goes on in another folder after so many. Default: it has one folder. */
  readonly daysPerFolder?: number
  /** Runs of a short job: each opens a segment, writes its records and ends. */
  readonly runsPerDay: number
  readonly recordsPerRun: number
  /** Services that run all the time: each opens a segment a day, and writes groups of records. */
  readonly services: number
  readonly recordsPerDay: number
  /** Checkpoints of a service, evenly over its day. */
  readonly checkpointsPerDay: number
}

export interface WrittenTrail {
  readonly key: string
  readonly records: number
  readonly segments: number
  readonly sent: number
}

const [dayMs, groupRecords] = [86_400_000, 64]
const keyPrefix = 'audit-key:'

const mac = (key: Buffer, purpose: string, data = ''): Buffer => createHmac('sha256', key).update(`${purpose}\0`).update(data).digest()
const digest = (line: string): string => createHash('sha256').update(line).digest('base64url')
const keyText = (key: Buffer): string => `${keyPrefix}${key.toString('base64url')}`
/** Flat objects with sorted members, which is their canonical form. */
const lineOf = (members: object): string => `${JSON.stringify(members)}\n`

/** Writes the folder, and its checkpoints: a file for each process. */
export function writeTrail(folder: string, checkpoints: string, use: TrailUse): WrittenTrail {
  for (const path of [folder, checkpoints]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const trail = new TrailWriter(folder, checkpoints)
  const services = Array.from({ length: use.services }, (_, each) => new Service(trail, use, `web-${each}`))
  for (let day = 0; day < use.days; day++) {
    const from = use.from + day * dayMs
    if (day > 0 && day % (use.daysPerFolder ?? Infinity) === 0) trail.goOn(from)
    for (const service of services) service.openDay(from)
    for (let run = 0; run < use.runsPerDay; run++) {
      const at = from + Math.floor((run * dayMs) / use.runsPerDay)
      for (const service of services) service.writeUntil(at)
      runJob(trail, at, use.recordsPerRun)
    }
    for (const service of services) service.writeUntil(from + dayMs)
  }
  for (const service of services) service.close(use.from + use.days * dayMs)
  return trail.finish()
}

function runJob(trail: TrailWriter, at: number, records: number): void {
  const process = new ProcessOfTrail(trail, 'batch', at)
  const segment = process.open(at, [])
  for (let each = 0; each < records; each++) segment.write([process.record(at + each)])
  process.end(at + records)
}

/** One that runs all the time. */
class Service {
  readonly #use: TrailUse
  readonly #process: ProcessOfTrail
  #day = 0
  #segment: Segment | undefined
  /** Groups and checkpoints of the day so far. */
  #groups = 0
  #checkpoints = 0

  constructor(trail: TrailWriter, use: TrailUse, host: string) {
    this.#use = use
    this.#process = new ProcessOfTrail(trail, host, use.from)
  }

  openDay(from: number): void {
    const ended = this.#segment === undefined ? [] : [this.#process.endSegment(from)]
    this.#segment = this.#process.open(from, ended)
    ;[this.#day, this.#groups, this.#checkpoints] = [from, 0, 0]
  }

  writeUntil(time: number): void {
    const { recordsPerDay, checkpointsPerDay } = this.#use
    const share = (time - this.#day) / dayMs
    const [groups, checkpoints] = [Math.floor((share * recordsPerDay) / groupRecords), Math.floor(share * checkpointsPerDay)]
    while (this.#checkpoints < checkpoints) {
      this.#checkpoints++
      const at = this.#checkpoints / checkpointsPerDay
      this.#writeGroups(Math.floor((at * recordsPerDay) / groupRecords))
      this.#process.checkpoint(this.#day + Math.floor(at * dayMs))
    }
    this.#writeGroups(groups)
  }

  close(at: number): void {
    this.#process.end(at)
  }

  #writeGroups(until: number): void {
    for (; this.#groups < until; this.#groups++) {
      const time = this.#day + Math.floor((this.#groups * dayMs * groupRecords) / this.#use.recordsPerDay)
      this.#segment?.write(Array.from({ length: groupRecords }, () => this.#process.record(time)))
    }
  }
}

function idOf(firstKey: Buffer): string {
  const hex = mac(firstKey, 'folder').toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(12, 15)}`, `a${hex.slice(15, 18)}`, hex.slice(18, 30)].join('-')
}

/** A folder that was left for the next one. */
interface LeftFolder {
  readonly folder: string
  readonly name: string
  readonly step: number
}

interface Step {
  readonly host: string
  readonly time: number
  readonly opens: boolean
  readonly ended: readonly object[]
  readonly follows?: readonly LeftFolder[]
  readonly successor?: { readonly folder: string; readonly name: string }
}

/** The index of the current folder, and what was counted. */
class TrailWriter {
  folder: string
  checkpoints: string
  id: string
  readonly counts = { records: 0, segments: 0, sent: 0 }
  readonly #root: string
  readonly #checkpointsRoot: string
  readonly #firstKey = createHash('sha256').update('a year of a trail').digest()
  #key: Buffer = this.#firstKey
  #name = ''
  #follows: readonly LeftFolder[] = []
  #step = 0
  #head = ''
  #lines: string[] = []

  constructor(folder: string, checkpoints: string) {
    ;[this.#root, this.#checkpointsRoot] = [folder, checkpoints]
    ;[this.folder, this.checkpoints] = [folder, checkpoints]
    this.id = idOf(this.#firstKey)
    this.step({ host: 'web-0', time: 0, opens: false, ended: [] })
  }

  /** In the next folder, between runs. */
  goOn(time: number): void {
    const [key, left, name] = [mac(this.#key, 'successor'), this.id, new Date(time).toISOString().slice(0, 10)]
    const id = idOf(key)
    const { step } = this.step({ host: 'web-0', time, opens: false, ended: [], successor: { folder: id, name } })
    this.#finishFolder()
    this.#follows = [...this.#follows, { folder: left, name: this.#name, step }]
    ;[this.id, this.#key, this.#name, this.#step] = [id, key, name, 0]
    ;[this.folder, this.checkpoints] = [join(this.#root, name), join(this.#checkpointsRoot, name)]
    for (const path of [this.folder, this.checkpoints]) mkdirSync(path, { mode: 0o700 })
    this.step({ host: 'web-0', time, opens: false, ended: [], follows: this.#follows })
  }

  /** The number, hash and key of a new epoch. */
  step({ host, time, opens, ended, follows, successor }: Step): Epoch {
    const [key, step] = [this.#key, this.#step]
    const members = { before: this.#head, ended, folder: this.id, ...(follows && { follows }), host }
    const rest = { opens, pid: 4711, step, ...(successor && { successor }), time, v: 2 }
    const own = mac(mac(key, 'index'), 'index', lineOf({ ...members, ...rest })).toString('base64url')
    const line = lineOf({ ...members, mac: own, ...rest })
    this.#head = digest(line)
    if (this.#lines.push(line) >= 1_024) this.#flush()
    this.#key = mac(key, 'next')
    this.#step++
    return { step, head: this.#head, key: mac(key, 'segment') }
  }

  finish(): WrittenTrail {
    this.#finishFolder()
    return { key: keyText(this.#firstKey), ...this.counts }
  }

  #finishFolder(): void {
    this.#flush()
    const state = { folder: this.id, key: keyText(this.#key), live: [], step: this.#step, unused: [], v: 2 }
    writeFileSync(join(this.folder, 'key.json'), lineOf(state), { mode: 0o600 })
  }

  #flush(): void {
    appendFileSync(join(this.folder, 'index.jsonl'), this.#lines.splice(0).join(''), { mode: 0o600 })
  }
}

interface Epoch {
  readonly step: number
  readonly head: string
  readonly key: Buffer
}

class ProcessOfTrail {
  readonly #trail: TrailWriter
  readonly #host: string
  readonly #file: string
  #sent: string[] = []
  #seq = 0
  #segment: Segment | undefined
  #known: Pick<Epoch, 'step' | 'head'> = { step: 0, head: '' }

  constructor(trail: TrailWriter, host: string, at: number) {
    ;[this.#trail, this.#host] = [trail, host]
    this.#file = join(trail.checkpoints, `checkpoints-${host}-4711-${at}.jsonl`)
  }

  open(time: number, ended: readonly object[]): Segment {
    const epoch = this.#trail.step({ host: this.#host, time, opens: true, ended })
    this.#segment = new Segment(this.#trail, epoch, this.#host, time)
    this.#known = epoch
    this.checkpoint(time)
    return this.#segment
  }

  record(time: number): object {
    const [host, seq] = [this.#host, ++this.#seq]
    const of = { actor: `worker-${seq % 13}`, from: 'memory', host, name: `prod/service-${seq % 97}/password`, operation: 'get' }
    const by = { outcome: 'ok', phase: 'outcome', pid: 4711, provider: 'aws', release: '1.0.0', requestId: `request-${seq}` }
    return { ...of, ...by, seq, service: 'shop', time, trail: '0f8fad5b-d9cb-469f-a165-70867728950e', v: 1, version: 3 }
  }

  endSegment(time: number): object {
    const end = this.#segment?.end() ?? {}
    this.checkpoint(time)
    this.#segment?.save()
    return end
  }

  end(time: number): void {
    const ended = [this.endSegment(time)]
    this.#known = this.#trail.step({ host: this.#host, time, opens: false, ended })
    this.checkpoint(time)
    this.#flush()
  }

  checkpoint(time: number): void {
    const line = this.#segment?.checkpoint(this.#known, time)
    if (line === undefined) return
    this.#trail.counts.sent++
    if (this.#sent.push(line) >= 4_096) this.#flush()
  }

  #flush(): void {
    appendFileSync(this.#file, this.#sent.splice(0).join(''), { mode: 0o600 })
  }
}

class Segment {
  readonly #trail: TrailWriter
  readonly #step: number
  #key: Buffer
  #group = 0
  #seals: Buffer = Buffer.alloc(32)
  #bytes = 0
  #records = 0
  #lines: string[] = []

  constructor(trail: TrailWriter, { step, key }: Epoch, host: string, time: number) {
    ;[this.#trail, this.#step, this.#key] = [trail, step, key]
    trail.counts.segments++
    this.#seal([{ folder: trail.id, host, kind: 'segment', pid: 4711, step, time, v: 2 }], 0)
  }

  write(records: readonly object[]): void {
    this.#trail.counts.records += records.length
    this.#seal(records, records.length)
  }

  end(): object {
    this.#seal([], 0, { end: true })
    const stood = { bytes: this.#bytes, found: 'ended', group: this.#group - 1, records: this.#records }
    return { ...stood, seals: this.#seals.toString('base64url'), step: this.#step, torn: 0 }
  }

  checkpoint({ step: index, head }: Pick<Epoch, 'step' | 'head'>, time: number): string {
    const [bytes, folder, group] = [this.#bytes, this.#trail.id, this.#group - 1]
    const [records, seals, step] = [this.#records, this.#seals.toString('base64url'), this.#step]
    const start = { bytes, folder, group, head, index, kind: 'checkpoint' }
    const rest = { records, seals, step, time, v: 2 }
    const own = mac(this.#key, 'checkpoint', lineOf({ ...start, ...rest })).toString('base64url')
    return lineOf({ ...start, mac: own, ...rest })
  }

  save(): void {
    const name = `segment-${String(this.#step).padStart(8, '0')}.jsonl`
    writeFileSync(join(this.#trail.folder, name), this.#lines.splice(0).join(''), { mode: 0o600 })
  }

  #seal(members: readonly object[], records: number, end: object = {}): void {
    const group = this.#group++
    const lines = members.map(lineOf).join('')
    const signed = lineOf({ ...end, group, kind: 'seal', records, start: group })
    const own = mac(this.#key, 'seal', lines + signed).toString('base64url')
    const seal = lineOf({ ...end, group, kind: 'seal', mac: own, records, start: group })
    this.#key = mac(this.#key, 'next')
    this.#seals = createHash('sha256').update(this.#seals).update(seal).digest()
    this.#bytes += Buffer.byteLength(lines + seal)
    this.#records += records
    this.#lines.push(lines + seal)
  }
}
