import { expect, test } from 'vitest'
import { namesOf } from './names.ts'

test.each([
  ['my-store', { folder: 'my-store', store: 'my-store', upper: 'MY_STORE', camel: 'myStore', pascal: 'MyStore' }],
  ['@acme/my.store_2', { folder: 'my.store_2', store: 'my.store_2', upper: 'MY_STORE_2', camel: 'myStore2', pascal: 'MyStore2' }],
  ['vault-provider', { folder: 'vault-provider', store: 'vault', upper: 'VAULT', camel: 'vault', pascal: 'Vault' }],
  ['--provider', { folder: '--provider', store: '--provider', upper: 'PROVIDER', camel: 'provider', pascal: 'Provider' }],
  ['1.store', { folder: '1.store', store: '1.store', upper: '1_STORE', camel: 'store1Store', pascal: 'Store1Store' }],
])('the package %s names all in it', (name, names) => {
  expect(namesOf(name)).toEqual({ package: name, ...names })
})

test('a name has at most 214 characters, as npm has it', () => {
  expect(namesOf('x'.repeat(214)).folder).toHaveLength(214)
  expect(() => namesOf('x'.repeat(215))).toThrow(expect.objectContaining({ name: 'UsageError' }))
})
