import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { localFromEnv } from './from-env.ts'
import { localProvider } from './local-provider.ts'
import { context, createStore, failure, key, opened, tamper, temporaryPath, within } from './testing/temporary-store.ts'

const another = { code: 'INTEGRITY', problem: '`path` holds another store than `storeId` names' }

async function idOf(path: string): Promise<string> {
  return (await within(path, (provider) => provider.storeId())) ?? 'no store'
}

/** Two stores under one key. */
async function twoStores(): Promise<readonly [path: string, id: string, otherPath: string]> {
  const [path, other] = [temporaryPath(), temporaryPath()]
  for (const each of [path, other]) await createStore(each)
  await within(other, (provider) => provider.put('name', { value: 'of the other store' }, context))
  return [path, await idOf(path), other]
}

test('a provider returns the id of its store, unique and shared by its copies', async () => {
  const [path, id, other] = await twoStores()
  expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(await idOf(other)).not.toBe(id)
  const copy = temporaryPath()
  copyFileSync(path, copy)
  expect(await idOf(copy)).toBe(id)
  await within(path, (provider) => provider.reencrypt())
  expect(await idOf(path)).toBe(id)
})

test('without a store there is no id, and asking creates none', async () => {
  const path = temporaryPath()
  expect(await opened(path).storeId()).toBeUndefined()
  expect(existsSync(path)).toBe(false)
  expect(await opened(':memory:').storeId({ signal: context.signal })).toMatch(/^[0-9a-f]{32}$/)
})

test('another store under the same key than `storeId` names is INTEGRITY for every call', async () => {
  const [path, id, other] = await twoStores()
  copyFileSync(other, path)
  expect((await opened(path).get('name', context))?.value).toBe('of the other store')
  const provider = opened(path, { storeId: id })
  const calls = [
    provider.get('name', context),
    provider.put('name', { value: 'new' }, context),
    provider.checkHealth(context),
    provider.reencrypt(),
    provider.storeId(),
  ]
  for (const error of await Promise.all(calls.map(failure)))
    expect(error).toMatchObject({ ...another, remedy: expect.stringContaining('the id that `storeId()` returns without the option') })
})

test('a store with a forged id is INTEGRITY too', async () => {
  const [path, id, other] = await twoStores()
  copyFileSync(other, path)
  tamper(path, `UPDATE store SET store_id = x'${id}'`)
  expect((await failure(opened(path, { storeId: id }).get('name', context))).code).toBe('INTEGRITY')
})

test('the named store opens, accepts writes and keeps its id', async () => {
  const [path, id] = await twoStores()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context), { storeId: id })
  expect((await opened(path, { storeId: id, mustExist: true }).get('name', context))?.value).toBe('value')
})

test('with `storeId` a missing store is an error and none is created', async () => {
  const [path, id] = await twoStores()
  rmSync(path)
  const provider = opened(path, { storeId: id })
  for (const call of [provider.get('name', context), provider.put('name', { value: 'new' }, context)]) {
    expect(await failure(call)).toMatchObject({
      code: 'CONFIGURATION',
      problem: `the store's file ${JSON.stringify(path)} does not exist`,
      remedy: 'check `path`; to begin a new store, leave `storeId` out',
    })
  }
  expect(existsSync(path)).toBe(false)
})

test('an invalid id, or one for a store in memory, is refused at once', () => {
  const id = 'ab'.repeat(16)
  const refused = (storeId: unknown, path = 'secrets.db') => {
    // as JavaScript may pass it
    expect(() => localProvider({ path, key, storeId } as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  }
  for (const wrong of ['', 'x', id.slice(1), `${id}0`, id.toUpperCase(), `${id}\n`, ` ${id.slice(1)}`, 5, null, Buffer.from(id, 'hex')])
    refused(wrong)
  refused(id, ':memory:')
})

test('FINCHAT_LOCAL_STORE_ID sets it', async () => {
  const [path, id, other] = await twoStores()
  const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_ENCRYPTION_KEY: Buffer.from(key).toString('hex'), FINCHAT_LOCAL_STORE_ID: id }
  const read = async (file: string): Promise<unknown> => {
    const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env: { ...env, FINCHAT_LOCAL_PATH: file } })
    try {
      return await secrets.getSecret('name')
    } finally {
      await secrets.close()
    }
  }
  expect(await failure(read(other))).toMatchObject({ code: 'INTEGRITY' })
  expect((await failure(read(path))).code).toBe('NOT_FOUND')
})
