import { expect, it } from 'vitest'
import { byDeclaredName } from './exported-names.ts'

const read = (...names: string[]): { name: string; value: string }[] => names.map((name) => ({ name, value: `of ${name}` }))

it('gives each secret the names that declare it whole, and keeps the others', () => {
  const declared = { STRIPE: { name: 'STRIPE_KEY' }, PAYMENT: { name: 'STRIPE_KEY' }, PASSWORD: { name: 'db', field: 'password' } }
  expect(byDeclaredName(read('STRIPE_KEY', 'db', 'other'), declared)).toEqual([
    { name: 'STRIPE', value: 'of STRIPE_KEY' },
    { name: 'PAYMENT', value: 'of STRIPE_KEY' },
    { name: 'db', value: 'of db' },
    { name: 'other', value: 'of other' },
  ])
  expect(byDeclaredName(read('a'))).toEqual(read('a'))
})

it('takes of several names those that --only names', () => {
  const declared = { STRIPE: { name: 'KEY' }, PAYMENT: { name: 'KEY' } }
  const names = (only: string[]): string[] => byDeclaredName(read('KEY'), declared, only).map(({ name }) => name)
  expect([names(['STRIPE']), names(['PAY*']), names(['KEY'])]).toEqual([['STRIPE'], ['PAYMENT'], ['STRIPE', 'PAYMENT']])
})

it.each<[string, Parameters<typeof byDeclaredName>[1]]>([
  ['as a whole', { A: { name: 'B' }, B: { name: 'A' } }],
  ['by a field', { B: { name: 'A' }, X: { name: 'B', field: 'f' } }],
])('refuses a declared name that another secret has in the chain, which is declared %s', (_, declared) => {
  expect(() => byDeclaredName(read('A', 'B'), declared)).toThrow('is the declared name of one secret, and the name of another one')
  expect(() => byDeclaredName(read('A'), declared)).toThrow('is the declared name of one secret')
})
