import { describe, expect, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { gathered } from '../testing/gathered.ts'
import { type AuditQuery, queryRecords } from './query.ts'
import { summarize } from './summarize.ts'

const records = [
  aRecord({ seq: 1, name: 'prod/a', actor: 'webapp', time: 1 }),
  aRecord({ seq: 2, name: 'prod/b', actor: 'job', time: 2, outcome: 'error', code: 'NOT_FOUND' }),
  aRecord({ seq: 3, name: 'test/a', actor: undefined, provider: 'vault', time: 3, operation: 'rotate' }),
]

async function found(query: AuditQuery): Promise<number[]> {
  return (await gathered(queryRecords(records, query))).map(({ seq }) => seq)
}

describe('a query', () => {
  it.each<[AuditQuery, number[]]>([
    [{}, [1, 2, 3]],
    [{ name: 'prod/a' }, [1]],
    [{ name: 'prod/*' }, [1, 2]],
    [{ name: 'prod' }, []],
    [{ actor: 'job' }, [2]],
    [{ provider: 'vault' }, [3]],
    [{ operation: 'rotate' }, [3]],
    [{ outcome: 'error' }, [2]],
    [{ from: 2 }, [2, 3]],
    [{ until: 2 }, [1]],
    [{ from: 2, until: 3, name: 'prod/*' }, [2]],
    [{ actor: 'webapp', outcome: 'error' }, []],
  ])('for %j finds %j', async (query, seqs) => {
    expect(await found(query)).toEqual(seqs)
  })

  it('finds exactly the name that is asked for, whatever it is', async () => {
    const all = hostileTexts.map((name) => aRecord({ name }))
    for (const name of hostileTexts) {
      const names = (await gathered(queryRecords(all, { name }))).map((record) => record.name)
      expect(names).toEqual([name])
    }
  })

  it('is refused at once if it is none', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => queryRecords([], { nmae: 'a' })).toThrow(/nmae/)
    // @ts-expect-error what a caller without types may write
    expect(() => queryRecords([], { outcome: 'failed' })).toThrow(/use ok or error/)
  })

  it.each([undefined, null, 'text', 7, Promise.resolve([])])('is refused for what has no records: %s', async (given) => {
    const none = given as never // as JavaScript may pass it
    expect(() => queryRecords(none, {})).toThrow(/^the records are not iterable/)
    await expect(summarize(none)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('readAuditRecords') })
  })

  it.each(['from', 'until'])('is refused for a time in %s that is none, and says what a time is', (member) => {
    for (const time of ['2026-11-01', new Date(0), Number.NaN, null, true]) {
      const ask = (): unknown => queryRecords([], { [member]: time })
      expect(ask).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', problem: `\`${member}\` is not a time` }))
      expect(ask).toThrow("epoch milliseconds, such as Date.parse('2026-11-01')")
    }
  })

  it('may ask for all times', async () => {
    expect(await found({ from: -Infinity, until: Infinity })).toEqual([1, 2, 3])
  })
})
