import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { declarationOf, isDeclared, meantName, namesToFollow } from './declared-names.ts'

const declared = {
  STRIPE_KEY: {},
  DB: { field: 'x' },
  DB_USER: { name: 'prod/db', field: 'username' },
  DB_PORT: { name: 'prod/db', field: 'port' },
}

describe('names of a configuration', () => {
  it.each([
    ['STRIPE_KYE', 'STRIPE_KEY'],
    ['stripe-key', 'STRIPE_KEY'],
    ['STRIPE_KEY', undefined],
    ['prod/db', undefined],
    ['SMTP_PASSWORD', undefined],
    ['DC', undefined],
    ['db', 'DB'],
  ])('%s means %s', (name, meant) => {
    expect(meantName(name, declared)).toBe(meant)
  })

  it('are declared by their key, or by what a declaration leads to', () => {
    expect(['STRIPE_KEY', 'prod/db', 'DB', 'NOPE', 'toString'].map((name) => isDeclared(name, declared))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  it('are followed once for each secret, by a name that leads to it', () => {
    expect(namesToFollow(declared)).toEqual(['STRIPE_KEY', 'DB', 'prod/db'])
    expect(namesToFollow({ A: { name: 'DB', field: 'a' }, DB: { field: 'x' } })).toEqual(['A', 'DB'])
  })

  it.each([
    ['SMTP_PASSWORD', undefined, '"SMTP_PASSWORD": {}'],
    ['prod/db', undefined, '"PROD_DB": { "name": "prod/db" }'],
    ['DB', 'username', '"DB_USERNAME": { "name": "DB", "field": "username" }'],
    ['9x', undefined, '"_9X": { "name": "9x" }'],
  ])('%s with field %s is declared by a line of JSON: %s', (name, field, line) => {
    expect(declarationOf(name, field)).toBe(line)
  })

  it('have a key that a variable can have, whatever they are', () => {
    const name = fc.string({ unit: fc.constantFrom(...'aZ09/_+=.@:-'), minLength: 1 })
    fc.assert(
      fc.property(name, fc.option(fc.string({ minLength: 1 }), { nil: undefined }), (each, field) => {
        const [key = ''] = Object.keys(JSON.parse(`{${declarationOf(each, field)}}`) as object)
        expect(key).toMatch(/^[A-Za-z_]\w*$/)
      }),
    )
  })
})
