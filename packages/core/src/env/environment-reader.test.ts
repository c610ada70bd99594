import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { environmentReader } from './environment-reader.ts'

const canary = 'canary-3b8e'

describe('environmentReader', () => {
  it('treats an empty variable as not set, and reads only own variables', () => {
    const problems: string[] = []
    const env = environmentReader({ A: 'a', B: '' }, (problem) => problems.push(problem))
    expect([env.optional('A'), env.optional('B'), env.optional('C'), env.optional('constructor')]).toEqual([
      'a',
      undefined,
      undefined,
      undefined,
    ])
    expect([env.required('A'), env.required('B'), env.required('toString')]).toEqual(['a', '', ''])
    expect(problems).toEqual(['B is not set', 'toString is not set'])
  })

  it('reads any names of a list', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_@:-]{1,20}$/)
    const target = fc.stringMatching(/^[a-z0-9/=. -]{0,10}[a-z](#[a-z/#]{1,5})?$/).filter((text) => text === text.trim())
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, target), { selector: ([key]) => key }),
        fc.constantFrom(',', ', ', ',,'),
        (pairs, comma) => {
          const problems: string[] = []
          const list = pairs.map(([key, path]) => `${key}=${path}`).join(comma)
          expect(new Map(Object.entries(environmentReader({ LIST: list }, (problem) => problems.push(problem)).names('LIST')))).toEqual(
            new Map(pairs),
          )
          expect(problems).toEqual([])
        },
      ),
    )
  })

  it.each(['A', 'A=', '=b', 'A=#f', 'A=b#', 'A =b', '../a=b', 'A=b\u0000', canary])(
    'takes %j for a problem, without quoting it',
    (list) => {
      const problems: string[] = []
      expect(environmentReader({ LIST: list }, (problem) => problems.push(problem)).names('LIST')).toEqual({})
      expect(problems).toEqual(['LIST: entry 1 must read NAME=path or NAME=path#field'])
    },
  )

  it('keeps hostile names as own properties', () => {
    const names = environmentReader({ LIST: '__proto__=a,constructor=b' }, () => {}).names('LIST')
    expect(Object.entries(names)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })
})
