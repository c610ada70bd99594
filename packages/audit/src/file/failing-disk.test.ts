import fc from 'fast-check'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { jsonLinesFile } from './file-sink.ts'
import { RecordMaker } from '../record/record-maker.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { context, event, recordsIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const methods = ['write', 'datasync', 'stat', 'truncate'] as const
type Method = (typeof methods)[number]
type Outcome = 'succeeds' | 'fails' | 'does a part'

const outcomes = fc.array(fc.constantFrom<Outcome>('succeeds', 'succeeds', 'succeeds', 'succeeds', 'fails', 'does a part'), {
  maxLength: 40,
})
const faults = fc.record({ write: outcomes, datasync: outcomes, stat: outcomes, truncate: outcomes })
const bursts = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 })

/** Lets the calls of a method end as the list says, and all after them as usual. */
async function putFaults(method: Method, list: readonly Outcome[]): Promise<void> {
  const handles = await fileHandle()
  const usual = handles[method]
  const left = [...list]
  vi.spyOn(handles, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
    const outcome = left.shift()
    if (outcome === 'fails') return Promise.reject(failure('EIO'))
    const isPart = outcome === 'does a part' && method === 'write'
    return Reflect.apply(usual, this, isPart ? [args[0], args[1] ?? 0, 7] : args)
  })
}

/** A sink, and the numbers of the records that it acknowledged, in that order. */
function numbered(folder: string): { write: (count: number) => Promise<void>; close: () => Promise<void>; acknowledged: number[] } {
  const maker = new RecordMaker({ service: 'test', hashName: undefined })
  const sink = jsonLinesFile({ folder, maxSegmentBytes: 8_192 })
  const acknowledged: number[] = []
  const one = async (): Promise<void> => {
    const record = maker.record(event)
    await sink.write(record, context).then(
      () => void acknowledged.push(record.seq),
      () => {},
    )
  }
  const write = async (count: number): Promise<void> => void (await Promise.all(Array.from({ length: count }, one)))
  const close = async (): Promise<void> => sink.close?.(context).catch(() => {})
  return { write, close, acknowledged }
}

it('keeps all that it acknowledged, in order, and stays verifiable, whatever the disk refuses', async () => {
  const check = async (failing: Record<Method, readonly Outcome[]>, before: number, counts: readonly number[]): Promise<void> => {
    const { folder, key } = await testFolder()
    const { write, close, acknowledged } = numbered(folder)
    await write(before)
    for (const method of methods) await putFaults(method, failing[method])
    const writing: Promise<void>[] = []
    for (const count of counts) {
      writing.push(write(count))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(writing)
    await close()
    vi.restoreAllMocks()

    const kept = (await recordsIn(folder)).map(({ seq }) => seq)
    expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b))
    expect(acknowledged).toEqual(kept.filter((seq) => acknowledged.includes(seq)))
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true })
  }
  await fc.assert(fc.asyncProperty(faults, fc.nat({ max: 1 }), bursts, check), { numRuns: process.env['THOROUGH'] ? 30 : 10 })
})
