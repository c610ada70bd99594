import { type AuditRecord, SecretsError } from '@finchat/secrets-core'

/** The first line of a segment: whose it is, and its place in the folder's chain. */
export interface SegmentHeader {
  readonly kind: 'segment'
  readonly v: 2
  /** The folder's id, made by `initAuditFolder`. */
  readonly folder: string
  /** The step of the folder's key that this segment was opened at, which is its line in the index. */
  readonly step: number
  readonly time: number
  readonly host: string
  readonly pid: number
}

/** The line that ends a group: what stands between it and the seal before is authentic if `mac` is right under this group's key. */
export interface Seal {
  readonly kind: 'seal'
  /** Counts from 0, the group of the header. */
  readonly group: number
  /** How many records stand in the group. */
  readonly records: number
  /**
   * The first group that was written with it: those before were on disk when it was made, unless
   * `durable` was false.
   */
  readonly start: number
  /** The segment was ended by its own process: nothing follows. */
  readonly end?: true | undefined
  /** HMAC-SHA256 of the group, base64url. */
  readonly mac: string
  /** The line without its MAC, as it was sealed. */
  readonly signed: string
}

/** A line of JSON that is an object; anything else is `undefined`. */
export function parsedLine(line: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line.toString('utf8'))
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Whether this line may be a seal: no record begins like one, since the members of a canonical line are sorted. */
export function looksLikeSeal(line: Buffer): boolean {
  return startsWith(line, groupStart) || startsWith(line, endStart)
}

const sealForm = /^\{("end":true,)?"group":(0|[1-9]\d*),"kind":"seal","mac":"([\w-]*)","records":(0|[1-9]\d*),"start":(0|[1-9]\d*)\}\n$/

/** Only as we write it, byte for byte: the MAC is over what it means, so whatever else means the same would be an edit that nobody finds. */
export function asSeal(line: Buffer): Seal | undefined {
  const [, end = '', group, mac = '', records, start] = sealForm.exec(line.toString('latin1')) ?? []
  const counts = { group: Number(group), records: Number(records), start: Number(start) }
  if (!isCount(counts.group) || !isCount(counts.records) || !isCount(counts.start)) return undefined
  const signed = `{${end}"group":${group},"kind":"seal","records":${records},"start":${start}}\n`
  return { kind: 'seal', ...counts, mac, signed, ...(end !== '' && { end: true }) }
}

export function asHeader(line: Buffer): SegmentHeader | undefined {
  const header = parsedLine(line)
  if (header?.['kind'] !== 'segment' || header['v'] !== 2) return undefined
  const { folder, step, time, host, pid } = header
  if (typeof folder !== 'string' || typeof host !== 'string' || !isCount(step) || !isCount(time) || !isCount(pid)) return undefined
  return { kind: 'segment', v: 2, folder, step, time, host, pid }
}

export function asRecord(line: Buffer): AuditRecord | undefined {
  const record = parsedLine(line)
  return record !== undefined && isRecord(record) ? record : undefined
}

/** What every record has; the rest is optional, and was written by the trail. */
export function isRecord(record: object): record is AuditRecord {
  const { v, trail, seq, time, operation, name } = record as Partial<Record<keyof AuditRecord, unknown>> // each is looked at
  return v === 1 && isCount(seq) && isCount(time) && [trail, operation, name].every((text) => typeof text === 'string')
}

/** Throws `INVALID_ARGUMENT` for what no trail has made. */
export function assertRecord(record: unknown): asserts record is AuditRecord {
  if (typeof record === 'object' && record !== null && isRecord(record)) return
  throw new SecretsError('INVALID_ARGUMENT', 'this is no record of an audit trail', {
    remedy: 'pass what a sink is given to write, or what readAuditRecords yields',
  })
}

const groupStart = Buffer.from('{"group":')
const endStart = Buffer.from('{"end":')

function startsWith(line: Buffer, start: Buffer): boolean {
  if (line[2] !== start[2] || line.length < start.length) return false // most lines differ here
  return line.compare(start, 0, start.length, 0, start.length) === 0
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
