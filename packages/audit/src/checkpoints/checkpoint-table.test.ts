import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalLine } from '../record/canonical.ts'
import { checkpointsIn } from './checkpoint-reader.ts'
import { type Checkpoint, CheckpointTable, type FoundCheckpoint, type HeldCheckpoints } from './checkpoint-table.ts'

const count = fc.maxSafeNat()
const hash = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.string(), // made without the key
)
const state = fc.record({
  bytes: count,
  folder: fc.constantFrom('this folder', 'another'),
  group: fc.oneof(fc.nat({ max: 3 }), count),
  head: hash,
  index: count,
  kind: fc.constant('checkpoint'),
  records: count,
  seals: hash,
  step: fc.nat({ max: 2 }),
  time: count,
  trail: fc.constantFrom('this folder', 'another', undefined),
  v: fc.constantFrom(1, 2, 3),
})
const stranger = fc.option(fc.string(), { nil: undefined })

/** The line's checkpoint; what was signed of it is all that stands there, whatever we know of it. */
function expected(line: string, number: number): Checkpoint {
  const { mac: signature, ...signed } = JSON.parse(line)
  const { more: _, kind: __, v: ___, ...known } = signed
  return { ...known, mac: signature, signed: canonicalLine(signed), file: 'checkpoints', line: number }
}

function all(held: HeldCheckpoints, step: number): (Checkpoint | undefined)[] {
  const found = held.get(step)
  return Array.from({ length: found?.length ?? 0 }, (_, position) => found?.at(position))
}

test('checkpoints are given back as they were found, by segment and in the order of their groups', async () => {
  const lines = fc.array(
    fc.tuple(state, hash, stranger).map(([is, of, more]) => JSON.stringify({ ...is, ...(more !== undefined && { more }), mac: of })),
  )
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('this folder', 'another'), async (found, folder) => {
      const held = await checkpointsIn(found, new CheckpointTable(folder, { trail: 'this folder' }))
      const ours = found
        .map((line, index) => ({ ...JSON.parse(line), number: index + 1, text: line }))
        .filter((each) => each.folder === folder)
      expect(held.steps).toEqual([...new Set(ours.map(({ step }) => step))].toSorted((one, other) => one - other))
      expect([held.count, new Set(held.lines())]).toEqual([ours.length, new Set(ours.map(({ index }) => index))])
      for (const step of held.steps) {
        const ofStep = ours
          .filter((each) => each.step === step)
          .toSorted((one, other) => one.group - other.group || one.index - other.index)
        expect(all(held, step)).toEqual(ofStep.map(({ text, number }) => expected(text, number)))
        expect(held.get(step)?.at(ofStep.length)).toBeUndefined()
      }
    }),
  )
})

const ours = fc
  .record({ step: fc.nat({ max: 5 }), group: fc.nat({ max: 1_000 }), signed: fc.constantFrom(undefined, 'of another signer') })
  .map(({ step, group, signed }) => foundAt(step, group, signed))

function foundAt(step: number, group: number, signed?: string): FoundCheckpoint {
  const text = Buffer.alloc(32, group).toString('base64url')
  const counts = { step, group, bytes: group, records: group, index: step, time: group }
  return { ...counts, folder: 'f', mac: text, seals: text, head: text, signed, signature: undefined, file: `${step}.jsonl`, line: group }
}

test('of too many, the last of each segment stays, and at most so many of one', () => {
  fc.assert(
    fc.property(fc.array(ours, { maxLength: 300 }), (found) => {
      const table = new CheckpointTable('f', { limits: { most: 32, mostOfSegment: 4 } })
      for (const each of found) table.add(each)
      const held = table.held()
      expect(held.count).toBeLessThanOrEqual(32)
      expect(new Set(held.steps)).toEqual(new Set(found.map(({ step }) => step)))
      for (const step of held.steps) {
        const [given, were] = [all(held, step), found.filter((each) => each.step === step)]
        expect(given.at(-1)?.group).toBe(Math.max(...were.map(({ group }) => group)))
        for (const one of given) {
          const like = were.filter(({ group }) => group === one?.group)
          expect(like.map(({ file, signed }) => [file, signed])).toContainEqual([
            one?.file,
            one?.signed.startsWith('of') ? one.signed : undefined,
          ])
        }
      }
    }),
  )
})

test('what stays of a segment is spread over it', () => {
  const table = new CheckpointTable('f', { limits: { most: 1_024, mostOfSegment: 64 } })
  for (let group = 1; group <= 1_025; group++) table.add(foundAt(1, group))
  const groups = all(table.held(), 1).map((each) => each?.group)
  expect([groups.length, groups.slice(0, 3), groups.slice(-2)]).toEqual([65, [16, 32, 48], [1_024, 1_025]])
})

test('a checkpoint of each of very many segments stays', () => {
  const table = new CheckpointTable('f', { limits: { most: 64, mostOfSegment: 8 } })
  for (let step = 1; step <= 1_000; step++) for (const group of [1, 2, 3]) table.add(foundAt(step, group))
  const held = table.held()
  expect([held.steps.length, held.steps.every((step) => all(held, step).at(-1)?.group === 3)]).toEqual([1_000, true])
  expect(held.count).toBeLessThanOrEqual(1_250)
})

const [big, text32] = [fc.nat({ max: 2 ** 31 - 1 }), fc.uint8Array({ minLength: 32, maxLength: 32 })]
const hashText = text32.map((bytes) => Buffer.from(bytes).toString('base64url'))
const signatureText = fc.option(fc.string({ unit: fc.constantFrom('a', '-', '_', '=', '+') }), { nil: undefined })

test('a line as it was sent is read as the same line in the record of a sink is', async () => {
  const line = fc.record({
    bytes: big,
    folder: fc.constant('0f8fad5b-d9cb-469f-a165-70867728950e'),
    group: big,
    head: hashText,
    index: big,
    kind: fc.constant('checkpoint'),
    mac: hashText,
    records: big,
    seals: hashText,
    signature: signatureText,
    step: big,
    time: big,
    trail: fc.constantFrom(undefined, '0f8fad5b-d9cb-469f-a165-70867728950e', '7c9e6679-7425-40de-944b-e07fc1f90ae7'),
    v: fc.constant(2),
  })
  const held = async (text: string): Promise<unknown> => {
    const given = await checkpointsIn([text], new CheckpointTable('0f8fad5b-d9cb-469f-a165-70867728950e'))
    return given.steps.map((step) => all(given, step))
  }
  await fc.assert(
    fc.asyncProperty(line, async (members) => {
      const text = canonicalLine(members).trimEnd()
      expect(await held(text)).toEqual(await held(JSON.stringify({ checkpoint: text })))
    }),
  )
})

function memory(): number {
  setFlagsFromString('--expose_gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('sixteen thousand of them take a fifth of what objects would, and a million no more than that', () => {
  const before = memory()
  const table = new CheckpointTable('f')
  for (let line = 1; line <= 16_000; line++) table.add(foundAt(1, line))
  expect((memory() - before) / 1e6).toBeLessThan(3)
  expect(table.held().get(1)?.at(15_999)?.group).toBe(16_000)
  for (let line = 16_001; line <= 1_000_000; line++) table.add(foundAt(1, line))
  expect((memory() - before) / 1e6).toBeLessThan(4)
  expect(all(table.held(), 1).at(-1)?.group).toBe(1_000_000)
})
