import { readFileSync } from 'node:fs'
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

const long = 'x'.repeat(64)

test.each([long, `@${'s'.repeat(130)}/${long}`, `${long}-provider`])('a provider has at most 64 characters, as core has it: %s', (name) => {
  expect(namesOf(name).store).toBe(long)
  expect(() => namesOf(name.replace(long, `${long}x`))).toThrow(expect.objectContaining({ name: 'UsageError' }))
})

test('a package has at most 214 characters, as npm has it', () => {
  expect(namesOf(`@${'s'.repeat(208)}/abcd`).store).toBe('abcd')
  expect(() => namesOf(`@${'s'.repeat(209)}/abcd`)).toThrow(/no name for npm/)
})

test('no name of a file’s own is one that the file imports', () => {
  const text = ['provider', 'provider-test', 'stub-store'].map((file) =>
    readFileSync(new URL(`template/${file}.ts.txt`, import.meta.url), 'utf8'),
  )
  const imports = [...text.join('\n').matchAll(/^import \{(.*)\}/gm)].flatMap(([, names = '']) => names.split(','))
  const found = imports.flatMap((name) => /^\s*([a-z]\w*)(Provider|Manifest|FromEnv)\s*$/.exec(name)?.slice(1, 3).join(' ') ?? [])
  expect(found.toSorted()).toEqual(['names FromEnv', 'testSecret Provider'])
  for (const [camel = '', suffix = ''] of found.map((each) => each.split(' '))) {
    const name = camel.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    expect(namesOf(name).camel + suffix).not.toBe(camel + suffix)
  }
})
