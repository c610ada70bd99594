import { type AuditRecord, SecretsError } from '@finchat/secrets-core'
import { shownPath } from '../folder-errors.ts'
import { type SegmentFile, segmentFiles } from '../segment-files.ts'
import { readSegment, recordsOf } from '../segment-reader.ts'

/**
 * The sealed records in a folder of `jsonLinesFile`, in the order of its segments, as they are read: memory stays bounded. It takes them as they stand there; whether they are as they were
 * written, `verifyAuditTrail` tells. Records behind the last seal of a segment are left out. With `most`, ends after so many, such as the `records` that a verification found authentic. Throws
 * `CONFIGURATION` if the folder is no path, and `AUDIT_FAILED` if it cannot be read.
 *
 * @example
 * import { readAuditRecords } from '@finchat/secrets-audit'
 * import { mkdir } from 'node:fs/promises'
 *
 * await mkdir('new-trail')
 * for await (const { time, name, actor } of readAuditRecords('new-trail')) console.error(time, name, actor)
 */
export async function* readAuditRecords(folder: string, most: number = Infinity): AsyncGenerator<AuditRecord> {
  let count = 0
  for (const { path, header } of await filesIn(folder)) {
    if (header === undefined) continue
    for await (const record of sealedRecords(path)) {
      if (count++ >= most) return
      yield record
    }
  }
}

async function filesIn(folder: string): Promise<readonly SegmentFile[]> {
  if (typeof folder !== 'string' || folder === '')
    throw new SecretsError('CONFIGURATION', '`folder` is no path', { remedy: 'name a folder' })
  try {
    return await segmentFiles(folder)
  } catch {
    throw unreadable('the folder of the trail', folder)
  }
}

async function* sealedRecords(path: string): AsyncGenerator<AuditRecord> {
  try {
    for await (const group of readSegment(path)) if (group.seal !== undefined) yield* recordsOf(group)
  } catch {
    throw unreadable('a segment of the trail', path)
  }
}

function unreadable(what: string, path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `${what} cannot be read: ${shownPath(path)}`, {
    remedy: 'check that it is there, and that this user may read it',
  })
}
