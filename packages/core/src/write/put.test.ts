import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NewSecret, SecretProvider, StoredSecret, WriteReceipt } from '../contract/provider.ts'
import { put } from './put.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'
import { refusal } from '../testing/refusal.ts'
import type { Target } from './write-target.ts'

const context = { signal: new AbortController().signal }

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => vi.restoreAllMocks())

function targetOn(members: Partial<SecretProvider>, before?: Target['before']): Target {
  return { location: { chainEntry: chainEntryTo(members), path: 'a', fields: [] }, before }
}

/** A store of one secret under check-and-set, as the contract asks for. */
function oneSecret(start?: StoredSecret): {
  members: Partial<SecretProvider>
  current: () => StoredSecret | undefined
  written: NewSecret[]
  interfere: (value: string, shape?: 'map') => void
} {
  let current = start
  let interfering: Parameters<typeof write>[] = []
  const written: NewSecret[] = []
  const write = (value: StoredSecret['value'], shape?: 'map'): WriteReceipt => {
    current = { value, shape, version: (current?.version ?? 0) + 1 }
    return { version: current.version }
  }
  const members: Partial<SecretProvider> = {
    get: async () => current,
    put: async (_, secret) => {
      const other = interfering.shift()
      if (other !== undefined) write(...other)
      const is = current === undefined ? null : current.version
      if (secret.ifCurrent !== undefined && (secret.ifCurrent?.version ?? null) !== is) throw new SecretsError('VERSION_CONFLICT', 'x')
      written.push(secret)
      return write(secret.value, secret.shape)
    },
  }
  return { members, current: () => current, written, interfere: (...other) => void (interfering = [...interfering, other]) }
}

describe('a write of the whole secret', () => {
  it('is passed to the provider unchanged, and resolves to its receipt', async () => {
    const write = vi.fn<NonNullable<SecretProvider['put']>>(async () => ({ version: 4, revision: 'r' }))
    const secret: NewSecret = { value: 'v', version: 4, tags: { team: 'pay' } }
    expect(await put(targetOn({ put: write }), [], secret, context)).toEqual({ version: 4, revision: 'r' })
    expect(write).toHaveBeenCalledExactlyOnceWith('a', secret, expect.anything())
  })

  it('is refused by a provider that cannot write', async () => {
    expect(await refusal(put(targetOn({}), [], { value: 'v' }, context))).toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('is never repeated, not even after a conflict', async () => {
    const write = vi.fn<NonNullable<SecretProvider['put']>>(async () =>
      Promise.reject(new SecretsError('VERSION_CONFLICT', 'the next is 5')),
    )
    expect(await refusal(put(targetOn({ put: write }), [], { value: 'v', version: 4 }, context))).toMatchObject({
      code: 'VERSION_CONFLICT',
    })
    expect(write).toHaveBeenCalledTimes(1)
  })
})

describe('one value written over named fields', () => {
  const keeping = (start?: StoredSecret): ReturnType<typeof oneSecret> => {
    const store = oneSecret(start)
    return { ...store, members: { ...store.members, keepsFields: () => true } }
  }

  it.each<[string, string, string]>([
    ['keeps the name of the only field', '{"token":"old"}', '{"token":"new"}'],
    ['keeps one that is no text', '{"pin":1.10}', '{"pin":"new"}'],
    ['keeps one that was emptied', '{"token":null}', '{"token":"new"}'],
    ['keeps a name that looks like a pointer', '{"/a~2":"old"}', '{"/a~2":"new"}'],
    ['keeps a text where texts are kept', '{"value":"old"}', '{"value":"new"}'],
  ])('%s', async (_, before, after) => {
    const { members, current, written } = keeping({ value: before, shape: 'map', version: 3 })
    expect(await put(targetOn(members), [], { value: 'new', tags: { team: 'pay' } }, context)).toEqual({ version: 4 })
    expect(current()).toEqual({ value: after, shape: 'map', version: 4 })
    expect(written[0]).toEqual({ value: after, shape: 'map', tags: { team: 'pay' }, ifCurrent: { version: 3 } })
  })

  it.each<[string, StoredSecret | undefined]>([
    ['none is there', undefined],
    ['there is a text', { value: 'text', version: 3 }],
    ['there are no fields', { value: '{}', shape: 'map', version: 3 }],
  ])('is a text if %s, and only while that is so', async (_, start) => {
    const { members, written } = keeping(start)
    await put(targetOn(members), [], { value: 'new' }, context)
    expect(written).toEqual([{ value: 'new', ifCurrent: start === undefined ? null : { version: 3 } }])
  })

  it.each<[string, StoredSecret | undefined]>([
    ['one field', { value: '{"password":"old"}', shape: 'map', version: 3 }],
    ['a text', { value: 'old', version: 3 }],
    ['nothing', undefined],
  ])('loses no field that another writer adds after %s was read', async (_, start) => {
    for (const isReadBefore of [false, true]) {
      const { members, current, interfere } = keeping(start)
      interfere('{"password":"old","apiKey":"theirs"}', 'map')
      const target = { ...targetOn(members), ...(isReadBefore && { current: start }) }
      expect(await refusal(put(target, [], { value: 'new' }, context))).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(current()?.value).toBe('{"password":"old","apiKey":"theirs"}')
    }
  })

  it('goes into a field that another writer renamed meanwhile, and gives up after ten conflicts', async () => {
    const { members, current, interfere, written } = keeping({ value: '{"password":"old"}', shape: 'map', version: 1 })
    interfere('{"secret":"theirs"}', 'map')
    await put(targetOn(members), [], { value: 'new' }, context)
    expect(current()?.value).toBe('{"secret":"new"}')
    for (let count = 0; count < 10; count += 1) interfere('{"secret":"theirs"}', 'map')
    expect(await refusal(put(targetOn(members), [], { value: 'newer' }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(written).toHaveLength(1)
  })

  it('with a number is not retried, and loses nothing either', async () => {
    const { members, current, interfere } = keeping({ value: '{"password":"old"}', shape: 'map', version: 1 })
    interfere('{"password":"old","apiKey":"theirs"}', 'map')
    expect(await refusal(put(targetOn(members), [], { value: 'new', version: 9 }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(current()?.value).toBe('{"password":"old","apiKey":"theirs"}')
  })

  it.each<[string, StoredSecret, number]>([
    ['knows no compare-and-set', { value: '{"token":"old"}', shape: 'map', version: 3 }, 2],
    ['gives its versions no identity', { value: '{"token":"old"}', shape: 'map' }, 1],
  ])('is written without a condition to a store that %s', async (_, start, calls) => {
    const written: NewSecret[] = []
    const write = vi.fn<NonNullable<SecretProvider['put']>>(async (_path, secret) => {
      if (secret.ifCurrent !== undefined) throw new SecretsError('UNSUPPORTED', 'no conditions')
      written.push(secret)
      return {}
    })
    await put(targetOn({ get: async () => start, put: write, keepsFields: () => true }), [], { value: 'new' }, context)
    expect(written).toEqual([{ value: '{"token":"new"}', shape: 'map' }])
    expect(write).toHaveBeenCalledTimes(calls)
  })

  it('stays text if the former secret was withdrawn', async () => {
    const { members, written } = keeping()
    const get = async (): Promise<never> => Promise.reject(new SecretsError('DELETED', 'withdrawn'))
    await put(targetOn({ ...members, get }), [], { value: 'new' }, context)
    expect(written).toEqual([{ value: 'new', ifCurrent: null }])
  })

  it('is refused if it would replace several, with a remedy', async () => {
    const { members, written } = keeping({ value: '{"user":"canary-7a90","password":"x"}', shape: 'map', version: 3 })
    for (const value of ['new', Uint8Array.of(1)]) {
      const error = await refusal(put(targetOn(members), [], { value }, context))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', remedy: 'write one of them by `field`, or all of them as an object' })
      expect(error.message).not.toMatch(/canary|user/)
    }
    expect(written).toEqual([])
  })

  it.each<[string, string, string, StoredSecret['value']]>([
    ['replaces all fields', '{"user":"a","password":"b"}', '{"user":"c","pin":1.10}', '{"user":"c","pin":1.10}'],
    ['replaces the only field, unless it is a text', '{"password":"b"}', '{"password":"c"}', '{"password":"c"}'],
    ['stays a text where a text is kept', '{"value":"{}"}', '{"a":"b"}', '{"value":"{\\"a\\":\\"b\\"}"}'],
  ])('whose name is read as JSON %s', async (_, before, value, after) => {
    const { members, current } = keeping({ value: before, shape: 'map', version: 3 })
    const { location } = targetOn(members)
    await put({ location: { ...location, isJson: true } }, [], { value }, context)
    expect(current()).toEqual({ value: after, shape: 'map', version: 4 })
    const two = keeping({ value: '{"a":"1","b":"2"}', shape: 'map', version: 3 })
    const list = put({ location: { ...targetOn(two.members).location, isJson: true } }, [], { value: '[1]' }, context)
    expect(await refusal(list)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it.each<[string, Partial<NewSecret>, Partial<SecretProvider>]>([
    ['is the first version', { version: 1 }, {}],
    ['is for a provider that cannot be written', {}, { put: undefined }],
    ['replaces bytes', {}, {}],
  ])('leaves no bytes behind that were read before where it %s', async (_, secret, changed) => {
    const bytes = Uint8Array.of(1, 2, 3)
    const { members } = keeping({ value: 'x', version: 1 })
    const target = { ...targetOn({ ...members, ...changed }), current: { value: bytes, version: 1 } }
    await Promise.allSettled([put(target, [], { value: 'new', ...secret }, context)])
    expect(bytes).toEqual(new Uint8Array(3))
  })

  it('is refused as bytes, since fields hold text', async () => {
    const { members, written } = keeping({ value: '{"token":"x"}', shape: 'map', version: 3 })
    expect(await refusal(put(targetOn(members), [], { value: Uint8Array.of(1) }, context))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(written).toEqual([])
  })

  it('is not written if the current secret cannot be read', async () => {
    const { members, written } = keeping()
    const get = async (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no'))
    expect(await refusal(put(targetOn({ ...members, get }), [], { value: 'new' }, context))).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(written).toEqual([])
  })

  it('is not retried after a conflict with unknown effect', async () => {
    const { members, current } = keeping({ value: '{"a":"1"}', shape: 'map', version: 1 })
    const write: SecretProvider['put'] = async (path, secret, each) => {
      await members.put?.(path, secret, each)
      await members.put?.(path, { value: '{"a":"newer"}', shape: 'map' }, each)
      throw new SecretsError('VERSION_CONFLICT', 'the first answer was lost', { effect: 'unknown' })
    }
    expect(await refusal(put(targetOn({ ...members, put: write }), [], { value: 'ours' }, context))).toMatchObject({ effect: 'unknown' })
    expect(current()?.value).toBe('{"a":"newer"}')
  })

  it('needs no read if the secret was read before, for a first version, or for an object', async () => {
    const start: StoredSecret = { value: '{"token":"old"}', shape: 'map', version: 3 }
    const { members, current } = keeping(start)
    const get = vi.fn<SecretProvider['get']>()
    const target = targetOn({ ...members, get })
    await put({ ...target, current: start }, [], { value: 'new' }, context)
    expect(current()?.value).toBe('{"token":"new"}')
    await put(target, [], { value: '{"a":"1","b":"2"}', shape: 'map' }, context)
    expect(current()?.value).toBe('{"a":"1","b":"2"}')
    await put(target, [], { value: 'new', version: 1 }, context)
    expect(get).not.toHaveBeenCalled()
  })

  it('needs no read from a store of texts', async () => {
    const { members } = oneSecret({ value: '{"token":"old"}', version: 3 })
    const get = vi.fn<SecretProvider['get']>()
    for (const keepsFields of [undefined, () => false]) await put(targetOn({ ...members, get, keepsFields }), [], { value: 'new' }, context)
    expect(get).not.toHaveBeenCalled()
  })

  it('is not written if keepsFields fails', async () => {
    const { members, written } = keeping()
    const keepsFields = (): never => {
      throw new Error('canary-7a90')
    }
    const error = await refusal(put(targetOn({ ...members, keepsFields }), [], { value: 'new' }, context))
    expect([error.code, error.message.includes('canary'), written]).toEqual(['INTERNAL', false, []])
  })
})

describe('a write to a field', () => {
  it('changes the text of a JSON object in a store of maps', async () => {
    const map = (text: string): string => JSON.stringify({ value: text })
    const { members, current } = oneSecret({ value: map('{ "user": "me", "password": "00123" }'), shape: 'map', version: 3 })
    await put(targetOn(members), ['password'], { value: '9' }, context)
    expect(current()).toEqual({ value: map('{ "user": "me", "password": "9" }'), shape: 'map', version: 4 })
    await put(targetOn(members), ['value'], { value: 'plain' }, context)
    expect(current()?.value).toBe(map('plain'))
  })

  it.each<[string, NewSecret]>([
    ['fields', { value: '{"b":"c"}', shape: 'map' }],
    ['bytes', { value: Uint8Array.of(1) }],
  ])('refuses %s instead of text', async (what, secret) => {
    const { members, written } = oneSecret({ value: '{}', version: 1 })
    expect(await refusal(put(targetOn(members), ['a'], secret, context))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: `a field holds text, not ${what}`,
    })
    expect(written).toEqual([])
  })

  it('of a text with a JSON object leaves it a text', async () => {
    const { members, current } = oneSecret({ value: '{"value":"{\\"b\\":\\"1\\"}"}', version: 1 })
    await put(targetOn(members), ['b'], { value: '2' }, context)
    expect(current()).toEqual({ value: '{"value":"{\\"b\\":\\"1\\"}","b":"2"}', shape: undefined, version: 2 })
  })

  it('changes only that field, under compare-and-set, and keeps the text of the others', async () => {
    const { members, current, written } = oneSecret({ value: '{ "user": "me", "n": 1.10, "password": "old" }', shape: 'map', version: 3 })
    expect(await put(targetOn(members), ['password'], { value: 'new' }, context)).toEqual({ version: 4 })
    expect(current()).toMatchObject({ value: '{ "user": "me", "n": 1.10, "password": "new" }', shape: 'map' })
    expect(written[0]?.ifCurrent).toEqual({ version: 3, revision: undefined })
  })

  it('creates a map if there is still none', async () => {
    const { members, current, written } = oneSecret()
    await put(targetOn(members), ['password'], { value: 'new' }, context)
    expect(current()).toMatchObject({ value: '{"password":"new"}', shape: 'map' })
    expect(written[0]?.ifCurrent).toBeNull()
  })

  it('keeps fields that others write meanwhile, and gives up after ten conflicts', async () => {
    const { members, current, interfere } = oneSecret({ value: '{"a":"1"}', version: 1 })
    interfere('{"a":"1","theirs":"2"}')
    await put(targetOn(members), ['mine'], { value: '3' }, context)
    expect(current()?.value).toBe('{"a":"1","theirs":"2","mine":"3"}')
    for (let count = 0; count < 10; count += 1) interfere(`{"a":"${count}"}`)
    expect(await refusal(put(targetOn(members), ['mine'], { value: '4' }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(current()?.value).toBe('{"a":"9"}')
  })

  it.each<[string, Partial<SecretProvider>, Target['before']]>([
    ['as its provider says', { keepsFields: () => false, describe: async () => ({ exclusive: true }) }, undefined],
    ['as was found when its place was looked for', {}, { exclusive: true }],
  ])('of a leased secret is refused before anything is leased, %s', async (_, members, before) => {
    const { get, put: write } = {
      get: vi.fn<SecretProvider['get']>(async () => undefined),
      put: vi.fn<NonNullable<SecretProvider['put']>>(),
    }
    expect(await refusal(put(targetOn({ ...members, get, put: write }, before), ['b'], { value: 'v' }, context))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('leased'),
    })
    expect([get, write].map((call) => call.mock.calls.length)).toEqual([0, 0])
  })

  it('of a store that compares no versions says to write the whole secret', async () => {
    const members = {
      get: async () => ({ value: '{"b":"1"}', version: 1 }),
      put: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'no versions', { remedy: 'leave out `ifCurrent`' })),
    }
    expect(await refusal(put(targetOn(members), ['b'], { value: 'v' }, context))).toMatchObject({
      code: 'UNSUPPORTED',
      remedy: 'write the whole secret: one field cannot be written alone',
    })
    const numbered = await refusal(put(targetOn(members), ['b'], { value: 'v', version: 2 }, context))
    expect(numbered.remedy).toBe('leave out `ifCurrent`')
  })

  it.each<[string, Partial<SecretProvider>]>([
    ['may keep fields', { keepsFields: () => true }],
    ['has no `keepsFields`', {}],
  ])('costs no look more where the provider %s', async (_, members) => {
    const { members: store, current } = oneSecret({ value: '{"b":"1"}', version: 1 })
    const describeSecret = vi.fn<NonNullable<SecretProvider['describe']>>(async () => ({ exclusive: true }))
    await put(targetOn({ ...store, ...members, describe: describeSecret }), ['b'], { value: '2' }, context)
    expect([current()?.value, describeSecret.mock.calls.length]).toEqual(['{"b":"2"}', 0])
  })

  it('is made if it is unknown whether the secret is leased', async () => {
    const { members, current } = oneSecret({ value: '{"b":"1"}', version: 1 })
    const denied = async (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'x'))
    await put(targetOn({ ...members, keepsFields: () => false, describe: denied }), ['b'], { value: '2' }, context)
    expect(current()?.value).toBe('{"b":"2"}')
  })

  it.each(['unknown', 'done'] as const)('is not retried after a conflict with effect %s', async (effect) => {
    const { members, current } = oneSecret({ value: '{"a":"1"}', version: 1 })
    let tries = 0
    const write: SecretProvider['put'] = async (path, secret, each) => {
      tries += 1
      await members.put?.(path, secret, each)
      await members.put?.(path, { value: '{"a":"newer"}' }, each)
      throw new SecretsError('VERSION_CONFLICT', 'the first answer was lost', { effect })
    }
    expect(await refusal(put(targetOn({ ...members, put: write }), ['a'], { value: 'ours' }, context))).toMatchObject({
      code: 'VERSION_CONFLICT',
      effect,
    })
    expect([tries, current()?.value]).toEqual([1, '{"a":"newer"}'])
  })

  it('is not retried with a requested number', async () => {
    const { members, interfere, written } = oneSecret({ value: '{}', version: 1 })
    interfere('{"a":"1"}')
    expect(await refusal(put(targetOn(members), ['a'], { value: '2', version: 2 }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(written).toEqual([])
  })

  it.each<[readonly string[], string, string]>([
    [['a/b'], '{"a/b":"old"}', '{"a/b":"new"}'],
    [['a', 'b~c'], '{"a":{"b~c":"old"}}', '{"a":{"b~c":"new"}}'],
    [['a', '/b/c'], '{"a":{"b":{"c":"old"}}}', '{"a":{"b":{"c":"new"}}}'],
    [['/a/b', 'c'], '{"a":{"b":{"c":"old"}}}', '{"a":{"b":{"c":"new"}}}'],
  ])('reaches %j', async (fields, before, after) => {
    const { members, current } = oneSecret({ value: before, version: 1 })
    await put(targetOn(members), fields, { value: 'new' }, context)
    expect(current()?.value).toBe(after)
  })

  it.each<[string, StoredSecret | undefined, NewSecret, string]>([
    ['of bytes', undefined, { value: Uint8Array.of(1) }, 'INVALID_ARGUMENT'],
    ['of bytes whose versions have no identity', { value: Uint8Array.of(1) }, { value: 'x' }, 'UNSUPPORTED'],
    ['of a binary secret', { value: Uint8Array.of(1), version: 1 }, { value: 'x' }, 'INVALID_ARGUMENT'],
    ['of a secret that is no JSON', { value: 'canary-7a90', version: 1 }, { value: 'canary-7a90' }, 'INVALID_ARGUMENT'],
    ['of a store whose versions have no identity', { value: '{}' }, { value: 'x' }, 'UNSUPPORTED'],
  ])('is refused before anything is written: %s', async (_, stored, secret, code) => {
    const { members, written } = oneSecret(stored)
    const error = await refusal(put(targetOn(members), ['a'], secret, context))
    expect([error.code, written]).toEqual([code, []])
    expect(error.message).not.toContain('canary')
    // Bytes that were read are overwritten.
    expect(Buffer.from(stored?.value ?? '').includes(1)).toBe(false)
  })
})

describe('a write with a lost answer', () => {
  const lost = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'connection reset', { effect: 'unknown' }))
  const version =
    (value: string | Uint8Array, number?: number): SecretProvider['getVersion'] =>
    async () => ({ value, version: number, revision: 'r' })

  it('with a number is done if that version has the value', async () => {
    expect(await put(targetOn({ put: lost, getVersion: version('v', 4) }), [], { value: 'v', version: 4 }, context)).toEqual({
      version: 4,
      revision: 'r',
    })
    const bytes = targetOn({ put: lost, getVersion: version(Uint8Array.of(1, 2), 4) })
    expect(await put(bytes, [], { value: Uint8Array.of(1, 2), version: 4 }, context)).toMatchObject({ version: 4 })
  })

  it('of fields with a number is a conflict if a store of texts has another text', async () => {
    const target = targetOn({ put: lost, getVersion: version('{"a":"2"}', 4) })
    expect(await refusal(put(target, [], { value: '{"a":"1"}', shape: 'map', version: 4 }, context))).toMatchObject({
      code: 'VERSION_CONFLICT',
    })
  })

  it('with a number is a conflict if that version has another value', async () => {
    const error = await refusal(
      put(targetOn({ put: lost, getVersion: version('theirs-canary', 4) }), [], { value: 'mine-canary', version: 4 }, context),
    )
    expect(error.code).toBe('VERSION_CONFLICT')
    expect(error.message).not.toContain('canary')
  })

  it.each<[string, NewSecret, string]>([
    ['a text as its one field', { value: 'v', version: 4 }, '{"value":"v"}'],
    ['the same fields in its own way', { value: '{"a":1.10,"b":"x"}', shape: 'map', version: 4 }, '{ "b": "x", "a": 1.10 }'],
  ])('is done if a store of maps holds %s', async (_, secret, value) => {
    const getVersion: SecretProvider['getVersion'] = async () => ({ value, shape: 'map', version: 4 })
    expect(await put(targetOn({ put: lost, getVersion }), [], secret, context)).toMatchObject({ version: 4 })
  })

  it.each<[string, NewSecret, string, string]>([
    ['another number', { value: '{"a":1.10}', shape: 'map', version: 4 }, '{"a":1.1}', 'VERSION_CONFLICT'],
    ['a field more', { value: '{"a":"1"}', shape: 'map', version: 4 }, '{"a":"1","b":"2"}', 'VERSION_CONFLICT'],
    [
      'one field of two that is the same',
      { value: '{"a":"1","b":"2"}', shape: 'map', version: 4 },
      '{"a":"1","b":"3"}',
      'VERSION_CONFLICT',
    ],
    ['several fields instead of a text', { value: 'v', version: 4 }, '{"value":"v","b":"2"}', 'UNAVAILABLE'],
    ['a field instead of bytes', { value: Uint8Array.of(118), version: 4 }, '{"value":"v"}', 'UNAVAILABLE'],
  ])('is not done if a store of maps holds %s', async (_, secret, value, code) => {
    const getVersion: SecretProvider['getVersion'] = async () => ({ value, shape: 'map', version: 4 })
    expect(await refusal(put(targetOn({ put: lost, getVersion }), [], secret, context))).toMatchObject({ code })
  })

  it.each<[string, string | Uint8Array, string | Uint8Array]>([
    ['text for bytes', Uint8Array.of(118), 'v'],
    ['bytes for text', 'v', Uint8Array.of(118)],
  ])('with a number is a conflict if that version has %s', async (_, written, found) => {
    const target = targetOn({ put: lost, getVersion: version(found, 4) })
    expect(await refusal(put(target, [], { value: written, version: 4 }, context))).toMatchObject({ code: 'VERSION_CONFLICT' })
  })

  it('leaves no bytes behind that were read back', async () => {
    const found = Uint8Array.of(1, 2)
    const target = targetOn({ put: lost, getVersion: async () => ({ value: found, version: 4 }) })
    await put(target, [], { value: Uint8Array.of(1, 2), version: 4 }, context)
    expect(found).toEqual(new Uint8Array(2))
  })

  it('without a number is done if the value is there under a new identity', async () => {
    const after: SecretProvider['get'] = async () => ({ value: 'v', version: 4 })
    for (const before of [{ version: 3 }, null])
      expect(await put(targetOn({ put: lost, get: after }, before), [], { value: 'v' }, context)).toMatchObject({ version: 4 })
  })

  it.each<[string, Partial<SecretProvider>, Target['before'], NewSecret]>([
    ['the version is not there', { getVersion: async () => undefined }, undefined, { value: 'v', version: 4 }],
    ['the store keeps no versions', {}, undefined, { value: 'v', version: 4 }],
    ['the store cannot be read', { getVersion: lost }, undefined, { value: 'v', version: 4 }],
    ['another value is current', { get: async () => ({ value: 'w', version: 4 }) }, { version: 3 }, { value: 'v' }],
    ['the value was current before', { get: async () => ({ value: 'v', version: 3 }) }, { version: 3 }, { value: 'v' }],
    ['what was there before is not known', { get: async () => ({ value: 'v', version: 4 }) }, undefined, { value: 'v' }],
  ])('stays unknown if %s', async (_, members, before, secret) => {
    expect(await refusal(put(targetOn({ put: lost, ...members }, before), [], secret, context))).toMatchObject({
      code: 'UNAVAILABLE',
      effect: 'unknown',
      problem: 'connection reset',
    })
  })

  it("is not read back after the caller's abort", async () => {
    const caller = new AbortController()
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>()
    const write = put(targetOn({ put: () => new Promise(() => {}), getVersion }), [], { value: 'v', version: 4 }, { signal: caller.signal })
    caller.abort()
    expect(await refusal(write)).toMatchObject({ code: 'ABORTED', effect: 'unknown' })
    expect(getVersion).not.toHaveBeenCalled()
  })

  it('is not read back if the store says that nothing was written', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>()
    const refusing = async (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'x'))
    expect(await refusal(put(targetOn({ put: refusing, getVersion }), [], { value: 'v', version: 4 }, context))).toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    expect(getVersion).not.toHaveBeenCalled()
  })
})
