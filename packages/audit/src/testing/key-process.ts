// The process whose memory `key-memory.test.ts` looks at. It never has a key but those of the trail and what it reads from a file.
import { once } from 'node:events'
import { readSync, openSync, closeSync, writeSync } from 'node:fs'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { keyTextBytes } from '../keys/key-text.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { aRecord } from './sample-records.ts'

const [task, folder = '', keyFile = '', retain] = process.argv.slice(2)
const context = { signal: new AbortController().signal }
const kept: unknown[] = []

/** Says so when nothing is left that a collection would take away, and waits for the reader. */
async function stop(word: string): Promise<void> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  process.stdout.write(`${word}\n`)
  await once(process.stdin, 'data')
}

async function write(records: number): Promise<void> {
  const sink = jsonLinesFile({ folder, maxSegmentBytes: 4096, checkpoints: { to: `${folder}-checkpoints`, everyMs: 5 } })
  for (let seq = 1; seq <= records; seq++) await sink.write(aRecord({ seq, actor: 'x'.repeat(300) }), context)
  await stop('written')
  await sink.close?.(context)
  await stop('closed')
}

async function init(): Promise<void> {
  const { key } = await initAuditFolder(folder, { keyAs: 'bytes' })
  const file = openSync(keyFile, 'wx', 0o600)
  writeSync(file, key)
  closeSync(file)
  if (retain === 'retain') kept.push(Buffer.from(key).toString('latin1'))
  key.fill(0)
  await stop('made')
}

async function verify(): Promise<void> {
  const key = Buffer.from(new ArrayBuffer(keyTextBytes))
  const file = openSync(keyFile, 'r')
  readSync(file, key)
  closeSync(file)
  const { ok } = await verifyAuditTrail(folder, { key, checkpoint: `${folder}-checkpoints` })
  if (retain === 'retain') kept.push(key.toString('latin1'))
  key.fill(0)
  await stop(ok ? 'verified' : 'refused')
}

const tasks: Readonly<Record<string, () => Promise<void>>> = { init, verify, write: () => write(440), restart: () => write(3) }
await tasks[task ?? '']?.()
process.exit(kept.length)
