import { createHash } from 'node:crypto'
import type { AuditRecord } from '@finchat/secrets-core'
import { asciiJson, humanLine, type Severity, severityOf } from '../record/human-line.ts'
import { refused } from '../record/errors.ts'
import { isoTime } from '../record/record-text.ts'

export interface SyslogShape {
  /** RFC 5424, section 6.2.1: 0 to 23. */
  readonly facility: number
  readonly format: 'json' | 'human'
  /** Longer messages are shortened until they fit. */
  readonly maxMessageBytes: number
}

/** Error, warning and informational (RFC 5424, table 2). */
const severities: Readonly<Record<Severity, number>> = { error: 3, warn: 4, info: 6 }

/** Tried in turn; the last fits what every receiver should take (RFC 5426). */
const lengths = [1024, 256, 64, 16, 4]

/**
 * The record as an RFC 5424 message, in printable ASCII. If it is too long, its longest texts are
 * truncated and end in `…sha256:` and half of the whole text's digest; a checkpoint never is.
 * Throws `AUDIT_FAILED` if it cannot fit.
 */
export function syslogMessage(record: AuditRecord, shape: SyslogShape): string {
  const message = asMessage(record, shape)
  if (message.length <= shape.maxMessageBytes) return message
  for (const length of lengths) {
    const shortened = asMessage(withShortTexts(record, length), shape)
    if (shortened.length <= shape.maxMessageBytes) return shortened
  }
  throw refused('the record is longer than a message may be', 'raise `maxMessageBytes` here and at the receiver')
}

function asMessage(record: AuditRecord, { facility, format }: SyslogShape): string {
  const priority = facility * 8 + severities[severityOf(record)]
  const { time, host, service, pid, operation } = record
  const header = [`<${priority}>1`, timestamp(time), word(host, 255), word(service, 48), word(String(pid), 128), word(operation, 32)]
  return [...header, structuredData(record), format === 'json' ? asciiJson(record) : humanLine(record)].join(' ')
}

/** RFC 5424, section 6.2.3; `-` for a time that no date can hold. */
function timestamp(time: number): string {
  const text = isoTime(time)
  return text !== undefined && /^\d{4}-/.test(text) ? text : '-'
}

/** PRINTUSASCII of bounded length, or `-`; other characters become `_`. */
function word(text: string, length: number): string {
  return text.slice(0, length).replaceAll(/[^\x21-\x7e]/g, '_') || '-'
}

/** Registered with IANA (RFC 5424, section 7): `sequenceId` wraps from 2147483647 to 1. */
function structuredData({ seq, release }: AuditRecord): string {
  const sequenceId = ((seq - 1) % 2147483647) + 1
  const version = word(release, 32).replaceAll(/["\\\]]/g, '_')
  return `[meta sequenceId="${sequenceId}"][origin software="@finchat/secrets-audit" swVersion="${version}"]`
}

function withShortTexts(record: AuditRecord, length: number): AuditRecord {
  const members = Object.entries(record).map(([member, value]): [string, unknown] => [
    member,
    member === 'checkpoint' ? value : short(value, length),
  ])
  return Object.fromEntries(members) as unknown as AuditRecord
}

function short(value: unknown, length: number): unknown {
  if (typeof value !== 'string' || value.length <= length + shortDigits + 8) return value
  const digest = createHash('sha256').update(value).digest('hex').slice(0, shortDigits)
  return `${value.slice(0, length).toWellFormed()}…sha256:${digest}`
}

const shortDigits = 32
