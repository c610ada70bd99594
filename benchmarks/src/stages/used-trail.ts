// A trail as it lies on the disk after a long time, made without waiting for that time: by the format
// that docs/audit.md describes, and none of the package's code.
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Epoch, lineOf, mac, TrailWriter, type WrittenTrail } from './trail-writer.ts'

/** How a trail was used. */
export interface TrailUse {
  /** The first moment, epoch milliseconds. */
  readonly from: number
  readonly days: number
  /** Runs of a short job: each opens a segment, writes its records and ends. */
  readonly runsPerDay: number
  readonly recordsPerRun: number
  /** Services that run all the time: each opens a segment a day, and writes groups of records. */
  readonly services: number
  readonly recordsPerDay: number
  /** Checkpoints of a service, evenly over its day. */
  readonly checkpointsPerDay: number
}

const [dayMs, groupRecords] = [86_400_000, 64]

/** Writes the folder, and its checkpoints: a file for each process. */
export function writeTrail(folder: string, checkpoints: string, use: TrailUse): WrittenTrail {
  for (const path of [folder, checkpoints]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const trail = new TrailWriter(folder, checkpoints)
  const services = Array.from({ length: use.services }, (_, each) => new Service(trail, use, `web-${each}`))
  for (let day = 0; day < use.days; day++) {
    const from = use.from + day * dayMs
    for (const service of services) service.openDay(from)
    for (let run = 0; run < use.runsPerDay; run++) {
      const at = from + Math.floor((run * dayMs) / use.runsPerDay)
      for (const service of services) service.writeUntil(at)
      if (services.length === 0 && trail.isFull) trail.goOn(at)
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
    const { trail } = this.#trail
    const rest = { records, seals, step, time, ...(trail !== undefined && { trail }), v: 2 }
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
