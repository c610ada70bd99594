import { createSecretsManager, type SecretProvider, SecretsError, type SecretValue, type StoredSecret } from '@finchat/secrets-core'
import { expect, test, vi } from 'vitest'
import { failureOf } from '../testing/rotations.ts'
import { type Asked, hasSameContent, holdsValue, isSameVersion, readCurrent, readFormer, type UnreadableFormer } from './stored-versions.ts'

/** `deleted` stands for itself. */
type Kept = string | undefined

/** A store that keeps these versions, of which `last` is current and `previous` the one before. */
class Store {
  readonly asked: unknown[] = []
  readonly provider: SecretProvider
  readonly #kept: (version: number) => Kept

  constructor(last: number, previous: number | undefined, kept: (version: number) => Kept, name = 'store') {
    this.#kept = kept
    this.provider = {
      specificationVersion: 'v1',
      name,
      get: async () => this.#at(last),
      getVersion: async (_path, which) => {
        this.asked.push(which)
        return this.#at(which === 'previous' ? previous : which)
      },
    }
  }

  #at(version: number | 'pending' | undefined): StoredSecret | undefined {
    const value = typeof version === 'number' ? this.#kept(version) : undefined
    if (value === 'deleted') throw new SecretsError('DELETED', 'deleted')
    return value === undefined ? undefined : { value, version: Number(version) }
  }
}

const askedOf = (...providers: readonly SecretProvider[]): Asked => ({ secrets: createSecretsManager({ providers }), name: 'db', call: {} })

/** What a read of the former value answers: its text, or why there is none. */
async function formerOf(asked: Asked): Promise<string | undefined> {
  const former: SecretValue | UnreadableFormer | undefined = await readFormer(asked, await readCurrent(asked))
  return typeof former === 'object' ? `v${former.version}: ${former.reveal()}` : former
}

const down = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))

test('the current version is what its own store answers now, and no other one', async () => {
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const { provider } = new Store(2, 1, (version) => `value ${version}`)
  expect((await readCurrent(askedOf(provider))).reveal()).toBe('value 2')
  expect(await failureOf(readCurrent(askedOf({ ...provider, name: 'first', get: down }, provider)))).toMatchObject({
    code: 'UNAVAILABLE',
    problem: 'the store of the secret cannot be asked, so it cannot be rotated',
  })
})

test('the former value is the latest one with another content, of the versions below', async () => {
  const store = new Store(4, 3, (version) => (version === 1 ? 'a former' : 'current'))
  const asked = askedOf(store.provider)
  expect(await formerOf(asked)).toBe('v1: a former')
  expect(store.asked).toEqual(['previous', 2, 1])
  await formerOf(asked)
  expect(store.asked, 'the store is asked anew').toHaveLength(6)
})

test.each([
  [7, 'v7: a former'],
  [6, 'tooFarBack'],
])('32 versions below the previous one are looked at: of version %i, %s', async (former, found) => {
  expect(await formerOf(askedOf(new Store(40, 39, (version) => (version === former ? 'a former' : 'current')).provider))).toBe(found)
})

test('the first version that cannot be read says why there is no former value', async () => {
  const kept: Record<number, Kept> = { 5: 'current', 4: 'current', 3: 'deleted', 2: undefined, 1: 'current' }
  expect(await formerOf(askedOf(new Store(5, 4, (version) => kept[version]).provider))).toBe('deleted')
  expect(await formerOf(askedOf(new Store(5, 4, (version) => (version < 4 ? undefined : 'current')).provider))).toBe('notFound')
  expect(await formerOf(askedOf(new Store(5, 4, (version) => (version < 4 ? 'deleted' : 'current')).provider))).toBe('deleted')
})

test('the version of another store is no former value', async () => {
  const later = new Store(1, 1, () => 'of another', 'later')
  expect(await formerOf(askedOf(new Store(2, undefined, () => 'current').provider, later.provider))).toBe('notFound')
  expect(await formerOf(askedOf(new Store(1, undefined, () => 'current').provider))).toBeUndefined()
})

test('a store without versions says so, and an outage is none of that', async () => {
  const { provider } = new Store(2, 1, (version) => `value ${version}`)
  const failing = (code: 'UNSUPPORTED' | 'UNAVAILABLE'): SecretProvider => ({
    ...provider,
    getVersion: () => Promise.reject(new SecretsError(code, 'no')),
  })
  expect(await formerOf(askedOf(failing('UNSUPPORTED')))).toBe('noVersions')
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  expect((await failureOf(formerOf(askedOf(failing('UNAVAILABLE'))))).code).toBe('UNAVAILABLE')
})

test.each([
  [{ version: 1, revision: 'a' }, { version: 2, revision: 'a' }, true],
  [{ version: 1, revision: 'a' }, { version: 1, revision: 'b' }, false],
  [{ version: 1, revision: 'a' }, { version: 1 }, true],
  [{ version: 1 }, { version: 1, revision: 'a' }, true],
  [{ version: 1 }, { version: 2, revision: 'a' }, false],
  [{ version: 1 }, { version: 2 }, false],
  [{ version: 1 }, { version: 1 }, true],
])('a version is known by its revision, or else by its number: %j and %j', (one, other, isSame) => {
  expect(isSameVersion(one, other)).toBe(isSame)
})

test('fields are compared in any order, text as text, and bytes as bytes', async () => {
  const valueOf = async (stored: StoredSecret): Promise<SecretValue> =>
    createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get: async () => stored }] }).getSecretValue('db')
  const [one, other] = [
    await valueOf({ value: '{"a":"1","b":"2"}', shape: 'map' }),
    await valueOf({ value: '{"b":"2","a":"1"}', shape: 'map' }),
  ]
  const texts = [await valueOf({ value: '12' }), await valueOf({ value: 'null' })]
  const bytes = await valueOf({ value: Uint8Array.of(0xff) })
  expect([
    hasSameContent(bytes, await valueOf({ value: Uint8Array.of(0xff) })),
    hasSameContent(bytes, await valueOf({ value: Uint8Array.of(0xfe) })),
  ]).toEqual([true, false])
  expect([holdsValue(one, { b: '2', a: '1' }), holdsValue(one, { a: '1' }), holdsValue(other, { a: '1', b: '2' })]).toEqual([
    true,
    false,
    true,
  ])
  for (const text of texts) expect([holdsValue(text, {}), holdsValue(text, text.reveal())]).toEqual([false, true])
})
