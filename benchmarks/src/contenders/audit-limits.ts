// What a file and an HMAC cost, without a trail.
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, fdatasyncSync, openSync, readdirSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { timed } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'
import { type MadeTrail, madeTrail, manyRecords, oneByOne, ownPath, recordAt, width } from './audit-work.ts'

const lineAt = (index: number): string => `${JSON.stringify(recordAt(index))}\n`

/** A common durable log: each event is on disk before the next. It blocks the event loop. */
export const syncEach: Contender = (task) => {
  const file = openSync(ownPath(task, 'log'), 'a')
  const log = (index: number): void => {
    writeSync(file, lineAt(index))
    fdatasyncSync(file)
  }
  return { round: () => oneByOne(task, 500, log), close: async () => closeSync(file) }
}

/** A durable log that does not block the event loop, as ours. */
export const awaitEach: Contender = async (task) => {
  const file = await open(ownPath(task, 'log'), 'a')
  const log = async (index: number): Promise<void> => {
    await file.write(lineAt(index))
    await file.datasync()
  }
  return { round: () => oneByOne(task, 500, log), close: () => file.close() }
}

/** Many lines with one write and one fdatasync, without seals and without a promise for each. */
export const linesOnly: Contender = (task) => {
  const file = openSync(ownPath(task, 'log'), 'a')
  let lines: string[] = []
  const log = (index: number): void => {
    if (lines.push(lineAt(index)) < width) return
    writeSync(file, lines.join(''))
    fdatasyncSync(file)
    lines = []
  }
  return { round: () => oneByOne(task, manyRecords, log), close: async () => closeSync(file) }
}

function segmentPaths({ folder }: MadeTrail): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('segment-') && name.endsWith('.jsonl'))
    .map((name) => join(folder, name))
}

/** The files read, and one HMAC over all that is in them. */
export const hmacOfFiles: Contender = (task) => {
  const [trail, key] = [madeTrail(task, 'busy'), createSecretKey(randomBytes(32))]
  const read = async (): Promise<void> => {
    const mac = createHmac('sha256', key)
    for (const path of segmentPaths(trail)) for await (const chunk of createReadStream(path)) mac.update(chunk as Buffer) // no encoding is set
    mac.digest()
  }
  return { round: () => timed(trail.records, 'µs', read) }
}

/** How a chain of hashes is mostly verified: each line parsed, and an HMAC of it. */
export const hmacOfLines: Contender = (task) => {
  const [trail, key] = [madeTrail(task, 'busy'), createSecretKey(randomBytes(32))]
  const read = async (): Promise<void> => {
    let last = ''
    for (const path of segmentPaths(trail)) {
      for await (const line of createInterface({ input: createReadStream(path) })) {
        JSON.parse(line)
        last = createHmac('sha256', key).update(last).update(line).digest('base64url')
      }
    }
  }
  return { round: () => timed(trail.records, 'µs', read) }
}
