import { describe, expect, it } from 'vitest'
import { ProgressLine } from './progress.ts'
import type { Terminal } from './terminal.ts'

function lineOn(isTTY: boolean): { readonly line: ProgressLine; readonly written: string[]; readonly at: (ms: number) => void } {
  const written: string[] = []
  let now = 0
  const stderr = { write: (text: string | Uint8Array) => written.push(String(text)), isTTY }
  return { line: new ProgressLine({ stderr } as unknown as Terminal, () => now), written, at: (ms) => void (now = ms) }
}

describe('a line of progress', () => {
  it('is written over on a terminal, ten times a second, and gone at the end', async () => {
    const { line, written, at } = lineOn(true)
    const work = async (): Promise<string> => {
      for (const [index, ms] of [50, 100, 150, 199, 200].entries()) {
        at(ms)
        line.show(() => `part ${index}`)
      }
      return 'result'
    }
    expect(await line.during(work)).toBe('result')
    expect(written).toEqual(['\r\u001b[Kpart 1', '\r\u001b[Kpart 4', '\r\u001b[K'])
    expect(await line.during(async () => 'no more')).toBe('no more')
    expect(written).toHaveLength(3)
  })

  it('is gone before an error is written', async () => {
    const { line, written, at } = lineOn(true)
    at(100)
    line.show(() => 'part')
    await expect(line.during(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(written).toEqual(['\r\u001b[Kpart', '\r\u001b[K'])
  })

  it('is not written elsewhere', async () => {
    const { line, written, at } = lineOn(false)
    at(1_000)
    line.show(() => 'part')
    await line.during(async () => undefined)
    expect(written).toEqual([])
  })
})
