import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts } from '../testing/sample-records.ts'
import { humanLine } from './human-line.ts'

/** What a person or a program reads out of a line: the way back from `humanLine`. */
function readBack(line: string): Record<string, string | undefined> {
  const members = line.slice('Secret access: '.length).matchAll(/(?:^|, )(\w+)=("(?:[^"\\]|\\.)*"|[^",]+)(?=, |$)/g)
  return Object.fromEntries(Array.from(members, ([, member = '', value = '']) => [member, valueOf(value)]))
}

function valueOf(shown: string): string | undefined {
  if (shown === '-') return undefined
  const value: unknown = shown.startsWith('"') ? JSON.parse(shown) : shown
  return String(value)
}

describe('the human line', () => {
  it('has the shape that operators know', () => {
    expect(humanLine(aRecord())).toBe('Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=webapp')
  })

  it('says what is more than a read that succeeded', () => {
    const line = humanLine(aRecord({ operation: 'delete', outcome: 'error', code: 'PERMISSION_DENIED', actor: undefined }))
    expect(line).toBe(
      'Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=-, operation=delete, error=PERMISSION_DENIED',
    )
    expect(humanLine(aRecord({ phase: 'intent', operation: 'store' }))).toMatch(/, operation=store, phase=intent$/)
    expect(humanLine(aRecord({ degraded: true, stale: true }))).toMatch(/, degraded=yes, stale=yes$/)
    expect(humanLine(aRecord({ operation: 'gap', missed: 3 }))).toMatch(/, operation=gap, missed=3$/)
    expect(humanLine(aRecord({ operation: 'verify', matched: 'none' }))).toMatch(/, operation=verify, matched=none$/)
  })

  it.each(hostileTexts)('is one line of printable ASCII whatever the name: %j', (name) => {
    const line = humanLine(aRecord({ name, actor: name, provider: name }))
    expect(line).toMatch(/^Secret access: name=[\x20-\x7e]*$/)
    expect(readBack(line)).toEqual({ name, source: name, timestamp: '1640995200', user: name })
  })

  it('can be read back, so that no two accesses look alike', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { name, source, user, operation = 'get' } = readBack(humanLine(record))
        expect({ name, source, user, operation }).toEqual({
          name: record.name,
          source: record.provider,
          user: record.actor,
          operation: record.operation,
        })
      }),
      { numRuns: 300 },
    )
  })
})
