import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalLine } from '../record/canonical.ts'
import { checkpointsIn } from './checkpoint-reader.ts'
import { type Checkpoint, CheckpointTable } from './checkpoint-table.ts'

const count = fc.maxSafeNat()
const hash = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.string(), // somebody's who has no key
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
  v: fc.constantFrom(1, 2, 3),
})
const stranger = fc.option(fc.string(), { nil: undefined })

/** The line's checkpoint; what was signed of it is all that stands there, whatever we know of it. */
function expected(line: string, number: number): Checkpoint {
  const { mac: signature, ...signed } = JSON.parse(line)
  const { more: _, kind: __, v: ___, ...known } = signed
  return { ...known, mac: signature, signed: canonicalLine(signed), file: 'checkpoints', line: number }
}

test('checkpoints are given back as they were found, by segment and in the order of their groups', async () => {
  const lines = fc.array(
    fc.tuple(state, hash, stranger).map(([is, of, more]) => JSON.stringify({ ...is, ...(more !== undefined && { more }), mac: of })),
  )
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('this folder', 'another'), async (found, folder) => {
      const held = (await checkpointsIn(found)).of(folder)
      const ours = found
        .map((line, index) => ({ ...JSON.parse(line), number: index + 1, text: line }))
        .filter((each) => each.folder === folder)
      expect(new Set(held.keys())).toEqual(new Set(ours.map(({ step }) => step)))
      for (const [step, checkpoints] of held) {
        const ofStep = ours.filter((each) => each.step === step).toSorted((one, other) => one.group - other.group)
        const given = Array.from({ length: checkpoints.length + 1 }, (_, position) => checkpoints.at(position))
        expect(given).toEqual([...ofStep.map(({ text, number }) => expected(text, number)), undefined])
      }
    }),
  )
})

function memory(): number {
  setFlagsFromString('--expose_gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('a hundred thousand of them take a fifth of what objects would', () => {
  const before = memory()
  const held = new CheckpointTable()
  for (let line = 1; line <= 100_000; line++) {
    const signatureOf = Buffer.alloc(32, line).toString('base64url')
    held.add({
      folder: 'f',
      step: 1,
      group: line,
      bytes: line,
      records: line,
      index: 1,
      time: line,
      mac: signatureOf,
      seals: signatureOf,
      head: signatureOf,
      signed: undefined,
      file: 'x',
      line,
    })
  }
  expect((memory() - before) / 1e6).toBeLessThan(18)
  expect(held.of('f').get(1)?.at(99_999)?.group).toBe(100_000)
})
