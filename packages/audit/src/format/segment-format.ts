import type { AuditRecord } from '@finchat/secrets-core'
import { isJsonObject, SecretsError } from '@finchat/secrets-core/provider'

/** The writer seals after so many records; a reader takes a longer group for damaged. */
export const maxGroupRecords = 64

/** The first line of a segment. */
export interface SegmentHeader {
  readonly kind: 'segment'
  readonly v: 2
  /** The folder's id. */
  readonly folder: string
  /** The epoch at which the segment was opened. */
  readonly step: number
  readonly time: number
  readonly host: string
  readonly pid: number
}

/**
 * The line that ends a group. The lines since the seal before it are authentic if `mac` fits the
 * group's key.
 */
export interface Seal {
  readonly kind: 'seal'
  /** Counts from 0, the group of the header. */
  readonly group: number
  readonly records: number
  /**
   * The first group of the same write: earlier groups were on disk by then, unless `durable` was
   * false.
   */
  readonly start: number
  /** The segment was ended by its own process. */
  readonly end?: true | undefined
  /** HMAC-SHA256 of the group, base64url. */
  readonly mac: string
  /** The line without its MAC. */
  readonly signed: string
}

/** `undefined` unless the line is a JSON object. */
export function parsedLine(line: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line.toString('utf8'))
    return isJsonObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** No record begins like a seal, since canonical members are sorted. */
export function looksLikeSeal(line: Buffer): boolean {
  return startsWith(line, groupStart) || startsWith(line, endStart)
}

const sealForm = /^\{("end":true,)?"group":(0|[1-9]\d*),"kind":"seal","mac":"([\w-]*)","records":(0|[1-9]\d*),"start":(0|[1-9]\d*)\}\n$/

/**
 * Accepts only our own form, byte for byte: the MAC covers the meaning, so another form would be an
 * undetected edit.
 */
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

/** Checks what every record has. */
function isRecord(record: object): record is AuditRecord {
  const { v, trail, seq, time, operation, name } = record as Partial<Record<keyof AuditRecord, unknown>> // each is looked at
  return v === 1 && isCount(seq) && isCount(time) && [trail, operation, name].every((text) => typeof text === 'string')
}

/** Throws `INVALID_ARGUMENT` for anything but a record. */
export function assertRecord(record: unknown): asserts record is AuditRecord {
  if (typeof record === 'object' && record !== null && isRecord(record)) return
  throw new SecretsError('INVALID_ARGUMENT', 'the value is not a record of an audit trail', {
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
