import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batches } from './group-commit.ts'

function linesOf(batches: Batches): string[][] {
  const found: string[][] = []
  for (let batch = batches.next(); batch !== undefined; batch = batches.next()) found.push(batch.lines)
  return found
}

function withLines(count: number, batches: Batches = new Batches()): Batches {
  for (let line = 0; line < count; line++) void batches.add(String(line))
  return batches
}

describe('records that come at once', () => {
  it('go to disk together, up to 512', () => {
    expect(linesOf(withLines(512)).map((lines) => lines.length)).toEqual([512])
    expect(linesOf(withLines(513)).map((lines) => lines.length)).toEqual([512, 1])
  })

  it('are more in one batch when the disk is slow, and no fewer than usual when it is fast', () => {
    const batches = new Batches()
    batches.lastTook(10)
    expect(linesOf(withLines(3_000, batches)).map((lines) => lines.length)).toEqual([2_560, 440])
    batches.lastTook(0.001)
    expect(linesOf(withLines(600, batches)).map((lines) => lines.length)).toEqual([512, 88])
  })

  it('keep their order, none lost and none twice, however they are taken', () => {
    const step = fc.record({ added: fc.nat({ max: 700 }), isTaken: fc.boolean(), tookMs: fc.nat({ max: 50 }) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const batches = new Batches()
        const taken: string[] = []
        let count = 0
        for (const { added, isTaken, tookMs } of steps) {
          for (let more = added; more > 0; more--) void batches.add(String(count++))
          if (isTaken) taken.push(...(batches.next()?.lines ?? []))
          batches.lastTook(tookMs)
        }
        taken.push(...linesOf(batches).flat())
        expect(taken).toEqual(Array.from({ length: count }, (_, line) => String(line)))
      }),
    )
  })
})

describe('a disk that hangs', () => {
  it('keeps no more than 64 MiB waiting, and room is made by what goes to disk', async () => {
    const batches = new Batches()
    const megabyte = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 64; count++) void batches.add(megabyte)
    await expect(batches.add('x')).rejects.toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('look at the disk') })
    expect(batches.next()?.lines).toHaveLength(64)
    for (let count = 0; count < 64; count++) void batches.add(megabyte)
    await expect(batches.add('x')).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
  })
})

describe('whoever waits for a batch', () => {
  it('is told when it has ended, and that once', async () => {
    const batches = new Batches()
    const ended = batches.add('a record')
    const batch = batches.next()
    batch?.settle()
    batch?.settle()
    await expect(ended).resolves.toBeUndefined()
  })

  it('is told why it failed', async () => {
    const batches = new Batches()
    const ended = batches.add('a record')
    const batch = batches.next()
    batch?.failed(new SecretsError('AUDIT_FAILED', 'the disk is full'))
    batch?.settle()
    await expect(ended).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
  })
})
