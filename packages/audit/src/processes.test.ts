import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { IndexEntry } from './folder-index.ts'
import { jsonLinesFile } from './json-lines-file.ts'
import { context, linesIn, recordsIn, removeTestFolders, testFolder, type TestFolder, written } from './testing/folders.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

afterAll(removeTestFolders)

interface Writer {
  readonly child: ChildProcess
  /** The names that it was told are on record. */
  readonly acknowledged: readonly string[]
  readonly closed: Promise<unknown>
}

function startWriter({ folder, checkpoints }: TestFolder, name: string, count: number): Writer {
  const script = join(import.meta.dirname, 'testing', 'writing-process.ts')
  const options = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', script]
  const child = spawn(process.execPath, [...options, folder, checkpoints, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const acknowledged: string[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? '' // what a killed process did not finish is no line
    acknowledged.push(...lines)
  })
  return { child, acknowledged, closed: once(child, 'close') }
}

/** Resolves once it has been told of so many records, or has ended. */
async function hasWritten({ child, acknowledged, closed }: Writer, count: number): Promise<void> {
  while (acknowledged.length < count && child.exitCode === null) {
    await Promise.race([child.stdout && once(child.stdout, 'data'), closed])
  }
}

async function endedIn(folder: string): Promise<IndexEntry['ended']> {
  const entries: IndexEntry[] = (await linesIn(join(folder, 'index.jsonl'))).map((line) => JSON.parse(line))
  return entries.flatMap(({ ended }) => ended)
}

describe('eight processes in one folder', () => {
  it('write a segment each, and lose or mix up nothing', async () => {
    const made = await testFolder()
    const count = process.env['CI'] ? 2_000 : 500
    const writers = Array.from({ length: 8 }, (_, index) => startWriter(made, `p${index}`, count))
    await Promise.all(writers.map(({ closed }) => closed))
    expect(writers.map(({ child }) => child.exitCode)).toEqual(writers.map(() => 0))
    const result = await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })
    expect(result).toMatchObject({ ok: true, records: 8 * count, segments: 8, unproven: [], missed: 0 })
    expect(new Set((await recordsIn(made.folder)).map(({ name }) => name)).size).toBe(8 * count)
  }, 120_000)
})

describe('verification', () => {
  it('finds nothing wrong while processes write, open segments and end', async () => {
    const made = await testFolder()
    const writers = Array.from({ length: 4 }, (_, index) => startWriter(made, `p${index}`, 200))
    const state = { running: true }
    const ended = Promise.all(writers.map(({ closed }) => closed)).then(() => (state.running = false))
    let verifications = 0
    for (; state.running; verifications++) {
      const isBegun = writers.some(({ acknowledged }) => acknowledged.length > 0)
      const checkpoint = isBegun ? made.checkpoints : undefined
      expect(await verifyAuditTrail(made.folder, { key: made.key, checkpoint })).toMatchObject({ ok: true, problem: undefined })
    }
    await ended
    expect(verifications).toBeGreaterThan(3)
    expect(await verifyAuditTrail(made.folder, { key: made.key })).toMatchObject({ ok: true, records: 800, segments: 4 })
  }, 120_000)
})

describe('kill -9', () => {
  const kills = process.env['CI'] ? 300 : 60
  const together = 6

  it(`${kills} times loses no record that was acknowledged, and every end is recorded`, async () => {
    const made = await testFolder()
    const acknowledged: string[] = []
    for (let round = 0; round < kills / together; round++) {
      const writers = Array.from({ length: together }, (_, index) => startWriter(made, `r${round}-${index}`, 5_000))
      // At any moment: while it starts, opens its segment, or writes.
      await Promise.all(
        writers.map(async (writer, index) => {
          await hasWritten(writer, index * 4)
          writer.child.kill('SIGKILL')
          await writer.closed
        }),
      )
      acknowledged.push(...writers.flatMap((writer) => writer.acknowledged))
    }
    const last = jsonLinesFile({ folder: made.folder, checkpoints: { to: made.checkpoints } })
    await written(last, 1)
    await last.close?.(context)

    const result = await verifyAuditTrail(made.folder, { key: made.key, checkpoint: made.checkpoints })
    expect(result).toMatchObject({ ok: true })
    expect(acknowledged.length).toBeGreaterThan(kills)
    const names = new Set((await recordsIn(made.folder)).map(({ name }) => name))
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([])
    expect(await stillOpen(made.folder)).toBe(0)
    const ended = await endedIn(made.folder)
    expect(new Set(ended.map(({ step }) => step)).size).toBe(ended.length)
    expect(result.unproven.length).toBe(ended.filter(({ found }) => found === 'cut').length)
  }, 600_000)
})

async function opened(folder: string): Promise<number> {
  const entries: IndexEntry[] = (await linesIn(join(folder, 'index.jsonl'))).map((line) => JSON.parse(line))
  return entries.filter(({ opens }) => opens).length
}

async function stillOpen(folder: string): Promise<number> {
  return (await opened(folder)) - (await endedIn(folder)).length
}

describe('a torn tail', () => {
  it('is recorded by the next process, and no more of it can be taken away then', async () => {
    const made = await testFolder()
    const writer = startWriter(made, 'torn', 5_000)
    await hasWritten(writer, 50)
    writer.child.kill('SIGKILL')
    await writer.closed
    const path = join(made.folder, 'segment-00000001.jsonl')
    const content = await readFile(path)
    const torn = Buffer.concat([content.subarray(0, content.lastIndexOf('{"group"')), Buffer.from('{"actor":"half a rec')])
    await writeFile(path, torn)
    const next = jsonLinesFile({ folder: made.folder })
    await written(next, 1)
    await next.close?.(context)
    expect(await endedIn(made.folder)).toMatchObject([{ step: 1, found: 'cut', torn: expect.any(Number) }, { found: 'ended' }])
    const result = await verifyAuditTrail(made.folder, { key: made.key })
    expect(result).toMatchObject({ ok: true, unproven: [{ file: 'segment-00000001.jsonl', torn: expect.any(Number) }] })
    expect(result.unproven[0]?.torn).toBeGreaterThan(20)

    const [lastSeal, copy] = [torn.lastIndexOf('{"group"'), join(made.folder, '..', 'copy')]
    await cp(made.folder, copy, { recursive: true })
    await writeFile(join(copy, 'segment-00000001.jsonl'), torn.subarray(0, lastSeal))
    expect((await verifyAuditTrail(copy, { key: made.key })).problem).toMatchObject({ what: 'truncated', file: 'segment-00000001.jsonl' })
  }, 60_000)
})
