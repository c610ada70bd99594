import { join } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from '../disk/folder-errors.ts'
import { successorsOf } from '../format/successors.ts'
import { byStep, type SegmentFile, segmentFiles, stepOfName } from '../format/segment-files.ts'
import { readSegment, recordsOf } from '../format/segment-reader.ts'
import { assertFolder } from '../record/errors.ts'

/**
 * Yields the sealed records in a folder of `jsonLinesFile`, segment by segment, in bounded memory,
 * at most `most`. It does not verify them: use `verifiedTrail` to read only authentic records.
 * Skips copies of segments, and records behind a segment's last seal. Throws `CONFIGURATION` for an
 * invalid folder, and `AUDIT_FAILED` if it cannot be read.
 *
 * @example
 * import { readAuditRecords } from '@finchat/secrets-audit/report'
 * import { mkdir } from 'node:fs/promises'
 *
 * await mkdir('new-trail')
 * for await (const { time, name, actor } of readAuditRecords('new-trail')) console.error(time, name, actor)
 */
export async function* readAuditRecords(folder: string, most: number = Infinity): AsyncGenerator<AuditRecord> {
  let count = 0
  for await (const record of recordsOfTrail(folder)) {
    if (count++ >= most) return
    yield record
  }
}

/** The folders within the first one follow it. */
async function* recordsOfTrail(folder: string): AsyncGenerator<AuditRecord> {
  assertFolder(folder)
  yield* recordsOfFolder(folder)
  for (const name of successorsOf(folder)) yield* recordsOfFolder(join(folder, name))
}

async function* recordsOfFolder(folder: string): AsyncGenerator<AuditRecord> {
  const seen = new Set<string>()
  for (const { path, header } of await filesIn(folder)) {
    const segment = header && `${header.folder} ${header.step}`
    if (segment === undefined || seen.has(segment)) continue // a copy
    seen.add(segment)
    yield* sealedRecords(path)
  }
}

async function filesIn(folder: string): Promise<readonly SegmentFile[]> {
  try {
    const files = await segmentFiles(folder)
    // A file with its segment's name precedes a copy.
    const isNamed = ({ path, header }: SegmentFile): boolean => stepOfName(path) === header?.step
    return [...files.filter(isNamed), ...files.filter((file) => !isNamed(file))].toSorted(byStep)
  } catch {
    throw unreadable('the folder of the trail', folder)
  }
}

async function* sealedRecords(path: string): AsyncGenerator<AuditRecord> {
  try {
    for await (const group of readSegment(path, undefined, 'at once')) if (group.seal !== undefined) yield* recordsOf(group)
  } catch {
    throw unreadable('a segment of the trail', path)
  }
}

function unreadable(what: string, path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `${what} cannot be read: ${shownPath(path)}`, {
    remedy: 'check that it is there, and that this user may read it',
  })
}
