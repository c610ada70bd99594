import type { AuditRecord } from '@finchat/secrets-core'
import { invalidArgument } from '@finchat/secrets-core/provider'
import { recordsOf, type SegmentGroup } from '../format/segment-reader.ts'

/** Passes the records to `read`, then reads the groups that it left: they must be verified too. */
export async function readOnce<Result>(
  groups: AsyncGenerator<SegmentGroup>,
  read: (records: AsyncIterable<AuditRecord>) => Promise<Result>,
): Promise<Result> {
  const records = new RecordsOnce(groups)
  try {
    const result = await read(records)
    while (!(await groups.next()).done);
    return result
  } finally {
    records.isOver = true
    await groups.return(undefined)
  }
}

/** A second reader would find none, and take it for an answer. */
class RecordsOnce implements AsyncIterable<AuditRecord> {
  isOver = false
  readonly #groups: AsyncGenerator<SegmentGroup>

  constructor(groups: AsyncGenerator<SegmentGroup>) {
    this.#groups = groups
  }

  [Symbol.asyncIterator](): AsyncGenerator<AuditRecord> {
    if (this.isOver) {
      throw invalidArgument(
        'the records of a verified trail are read a second time, or after their verification',
        'read them once, and to the end before `read` resolves, as Array.fromAsync(queryRecords(records, …)) does',
      )
    }
    this.isOver = true
    return recordsIn(this.#groups)
  }
}

/** Leaves the groups open when its reader stops: the rest must still be verified. */
async function* recordsIn(groups: AsyncGenerator<SegmentGroup>): AsyncGenerator<AuditRecord> {
  for (let next = await groups.next(); next.done !== true; next = await groups.next()) yield* recordsOf(next.value)
}
