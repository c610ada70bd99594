import { createSecretsManager, SecretsError, type SecretProvider } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'
import { expect, it } from 'vitest'
import { readKnownValues } from './known-values.ts'

/** What is found of former versions if reading one fails so. */
async function unreadWith(code: 'DELETED' | 'NOT_FOUND' | 'PERMISSION_DENIED'): Promise<readonly string[]> {
  const memory = memoryProvider({ secrets: { TOKEN: 'first-canary' } })
  const getVersion: SecretProvider['getVersion'] = async () => {
    if (code === 'NOT_FOUND') return undefined
    throw new SecretsError(code, 'refused')
  }
  const secrets = createSecretsManager({ providers: [{ ...memory, getVersion }] })
  await secrets.rotateSecret('TOKEN', 'second-canary')
  const { unread } = await readKnownValues({ TOKEN: {} }, { secrets, actor: 'test', withVersions: true })
  await secrets.close()
  return unread.map(({ name, code: told }) => `${name} ${told}`)
}

it.each([
  ['DELETED', []],
  ['NOT_FOUND', []],
  ['PERMISSION_DENIED', ['TOKEN (version 1) PERMISSION_DENIED']],
] as const)('a former version that is %s is told: %j', async (code, told) => {
  expect(await unreadWith(code)).toEqual(told)
})

it('does not look for names and places of a database, which are no secrets', async () => {
  const ordinary = ['username', 'user', 'host', 'hostname', 'port', 'engine', 'database', 'dbname', 'dbInstanceIdentifier', 'region']
  const fields = Object.fromEntries([...ordinary, 'apiKey'].map((field) => [field, `the-value-of-${field}`]))
  const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { DB: JSON.stringify(fields) } })] })
  const { matcher } = await readKnownValues({ DB: {} }, { secrets, actor: 'test', withVersions: false })
  const found = matcher.find(Buffer.from(Object.values(fields).join(' ')))
  expect(found.map(({ name }) => name)).toEqual(['DB#apiKey'])
  await secrets.close()
})

it.each(['null', '[]', '12345678', '"text-12"'])('looks for JSON that is no document as it is: %s', async (value) => {
  const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { A: value } })] })
  const { matcher, tooShort } = await readKnownValues({ A: {} }, { secrets, actor: 'test', withVersions: false })
  expect(tooShort).toEqual(value.length < 8 ? ['A'] : [])
  expect(matcher.find(Buffer.from(value)).map(({ name }) => name)).toEqual(value.length < 8 ? [] : ['A'])
  await secrets.close()
})
