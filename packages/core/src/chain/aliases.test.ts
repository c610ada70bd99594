import { describe, expect, it } from 'vitest'
import { knownAliases, type SecretAlias } from './aliases.ts'

describe('aliases of a manager', () => {
  it('are copied, so that the caller cannot change them later', () => {
    const given = { USER: { name: 'db', field: '/login/user' }, DB: { name: 'db', json: true } }
    const known = knownAliases(given)
    Object.assign(given.USER, { name: 'other' })
    expect(known.get('USER')).toEqual({ name: 'db', field: '/login/user', json: undefined })
    expect(knownAliases(undefined).size).toBe(0)
  })

  it.each<[string, unknown]>([
    ['a list', []],
    ['a name that is not valid', { '../a': { name: 'b' } }],
    ['an alias that is a text', { A: 'b' }],
    ['no name', { A: { field: 'x' } }],
    ['a name to no valid secret', { A: { name: 'a//b' } }],
    ['an empty field', { A: { name: 'b', field: '' } }],
    ['a field that is no text', { A: { name: 'b', field: 1 } }],
    ['a misspelt member', { A: { name: 'b', fields: 'x' } }],
    ['a switch that is a text', { A: { name: 'b', json: 'yes' } }],
  ])('are refused with a remedy: %s', (_, aliases) => {
    const act = (): unknown => knownAliases(aliases as Record<string, SecretAlias>) // what a caller without types may pass
    expect(act).toThrow(expect.objectContaining({ code: 'CONFIGURATION', remedy: expect.any(String) }))
  })

  it('are not taken from a polluted prototype', () => {
    Object.assign(Object.prototype, { TOKEN: { name: 'theirs' } })
    try {
      expect(knownAliases({}).get('TOKEN')).toBeUndefined()
    } finally {
      delete (Object.prototype as { TOKEN?: unknown }).TOKEN
    }
  })
})
