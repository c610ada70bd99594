import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent, AuditRecord, AuditSink, CallContext } from '@finchat/secrets-core'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { jsonLinesFile, type JsonLinesFileOptions } from '../file/file-sink.ts'
import { segmentFiles } from '../format/segment-files.ts'
import { readSegment, recordsOf } from '../format/segment-reader.ts'
import { required } from '../trail/trail-sink.ts'

export const context: CallContext = { signal: new AbortController().signal }
export const event: AuditEvent = { phase: 'outcome', time: 1_800_000_000_000, operation: 'get', name: 'db/password', outcome: 'ok' }

export interface TestFolder {
  readonly folder: string
  readonly checkpoints: string
  readonly key: string
}

const temporary: string[] = []

export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'))
  temporary.push(folder)
  return folder
}

/** A folder made ready, and one for checkpoints, in the system's temporary folder. */
export async function testFolder(): Promise<TestFolder> {
  const parent = await emptyFolder()
  const folder = join(parent, 'trail')
  return { folder, checkpoints: join(parent, 'checkpoints'), key: (await initAuditFolder(folder)).key }
}

export async function removeTestFolders(): Promise<void> {
  for (const folder of temporary.splice(0)) await rm(folder, { recursive: true, force: true })
}

/** Every record of the folder, as a reader finds it, without looking at seals. */
export async function recordsIn(folder: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for (const { path } of await segmentFiles(folder)) for await (const group of readSegment(path)) records.push(...recordsOf(group))
  return records
}

/** Writes so many records through a trail, some alone and some together, so that there are groups of one and of many; leaves the file open. */
export async function written(sink: AuditSink, count: number, alone = 8): Promise<void> {
  const trail = auditTrail({ sinks: [required(sink)], sinkDeadlineMs: 60_000 })
  for (let done = 0; done < count;) {
    for (let one = 0; one < alone && done < count; one++, done++) await trail.record({ ...event, name: `secret-${done}` }, context)
    const together = Math.min(200, count - done)
    await Promise.all(Array.from({ length: together }, (_, index) => trail.record({ ...event, name: `secret-${done + index}` }, context)))
    done += together
  }
}

/** A folder with a trail of so many records, ended. */
export async function trailOf(count: number, options: Partial<JsonLinesFileOptions> = {}): Promise<TestFolder> {
  const made = await testFolder()
  const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints }, ...options })
  await written(sink, count)
  await sink.close?.(context)
  return made
}

/** A folder with so many segments, each of a process that wrote so many records and ended. */
export async function segmentsOf(segments: number, records: number, options: Partial<JsonLinesFileOptions> = {}): Promise<TestFolder> {
  const made = await testFolder()
  for (let run = 0; run < segments; run++) {
    const sink = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints }, ...options })
    await written(sink, records)
    await sink.close?.(context)
  }
  return made
}

/** A time after all that was written. */
export async function afterAllWritten(): Promise<number> {
  await sleep(2) // it is in another millisecond
  return Date.now()
}

/** The checkpoints that have come to a folder, in their order. */
export async function sentTo(checkpoints: string): Promise<string[]> {
  const names = (await readdir(checkpoints).catch((): string[] => [])).toSorted()
  return (await Promise.all(names.map((name) => linesIn(join(checkpoints, name))))).flat()
}

export async function linesIn(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1)
}
