import {
  createSecretsManager,
  envProvider,
  SecretsError,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsManager,
  type StoredSecret,
  type VerifyOptions,
} from '@finchat/secrets-core'
import {
  faults,
  memoryAuditTrail,
  memoryProvider,
  type MemoryProvider,
  type MemoryProviderOptions,
  memorySharedCache,
} from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { anyText, breakable, codeOf, failureOf, readOnly, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock, ttlMs } from './testing/own-clock.ts'

onOwnClock()

const at = (ms: number): void => void vi.setSystemTime(now + ms)
const grace: VerifyOptions = { acceptPreviousForSeconds: 60 }
const text = (value: string): SecretsManager => createSecretsManager({ providers: [readOnly('store', async () => ({ value }))] })

function over(options: MemoryProviderOptions = { secrets: { token: 'v1' } }): Breakable & { secrets: SecretsManager } {
  const store = breakable(options)
  return Object.assign(store, { secrets: createSecretsManager({ providers: [store.provider] }) })
}

describe('verifySecret accepts', () => {
  it('the current secret, as text or as bytes', async () => {
    const { secrets } = over({ secrets: { token: 'grüße', key: Uint8Array.of(0, 255) } })
    expect(await secrets.verifySecret('token', 'grüße')).toBe(true)
    expect(await secrets.verifySecret('token', Buffer.from('grüße'))).toBe(true)
    expect(await secrets.verifySecret('key', Uint8Array.of(0, 255))).toBe(true)
  })

  it('the bytes as they were at the call, although the caller wipes them at once', async () => {
    const bytes = Buffer.from('v1')
    const { secrets } = over()
    for (const options of [undefined, {}]) {
      bytes.write('v1')
      const verified = secrets.verifySecret('token', bytes, options)
      bytes.fill(0)
      expect(await verified).toBe(true)
    }
  })

  it('the stored value, and nothing else', async () => {
    const pairs = fc.oneof(
      fc.tuple(anyText, anyText),
      anyText.map((value) => [value, value] as const),
    )
    await fc.assert(
      fc.asyncProperty(pairs, async ([value, other]) => {
        expect(await text(value).verifySecret('token', other)).toBe(value === other && value !== '' && value.isWellFormed())
      }),
    )
  })

  it.each([4_096, 4_097, 65_536, 131_072, 1_048_576, 2_000_000])(
    'a secret of %d bytes, and nothing that is a part of it',
    async (length) => {
      const value = 'x'.repeat(length)
      const secrets = text(value)
      expect(await secrets.verifySecret('token', value)).toBe(true)
      expect(await secrets.verifySecret('token', Buffer.from(value))).toBe(true)
      for (const other of [value.slice(1), `${value}x`]) expect(await secrets.verifySecret('token', other)).toBe(false)
      expect(await text('秘'.repeat(length / 4)).verifySecret('token', '秘'.repeat(length / 4))).toBe(true)
    },
  )

  it('a field, by option or by location', async () => {
    const { secrets } = over({ secrets: { db: '{"password":"p","user":"u"}' }, names: { password: 'db#password' } })
    expect(await secrets.verifySecret('password', 'p')).toBe(true)
    expect(await secrets.verifySecret('db', 'u', { field: 'user' })).toBe(true)
    expect(await secrets.verifySecret('password', 'u')).toBe(false)
  })

  it('a value in memory, without asking the store', async () => {
    const { secrets, provider } = over()
    for (let count = 0; count < 3; count++) expect(await secrets.verifySecret('token', 'v1')).toBe(true)
    expect(provider.calls('get')).toBe(1)
  })
})

describe('verifySecret refuses', () => {
  it.each(['', ' v1', 'v1 ', 'V1', 'v', 'v11', '\u0000', 'v1\u0000'])('%j, which is not the secret', async (presented) => {
    expect(await over().secrets.verifySecret('token', presented)).toBe(false)
  })

  it.each([
    '',
    'dummy_secret_value_',
    'dummy_secret_value_'.padEnd(32, 'x'),
    'dummy_secret_value_'.padEnd(64, 'x'),
    `dummy_secret_value_${'x'.repeat(5)}`,
    'undefined',
    'null',
    '\u0000'.repeat(32),
    '[redacted]',
  ])('%j for a name that does not exist', async (presented) => {
    expect(await over().secrets.verifySecret('missing', presented)).toBe(false)
    expect(await over().secrets.verifySecret('missing', presented, grace)).toBe(false)
  })

  it('everything for a secret that was withdrawn', async () => {
    const { secrets } = over()
    await secrets.deleteSecret('token')
    expect([await secrets.verifySecret('token', 'v1'), await secrets.verifySecret('token', '', grace)]).toEqual([false, false])
  })

  it.each(['', '\u0000', ' '])('%j for a secret that is empty', async (presented) => {
    for (const provider of [
      memoryProvider({ secrets: { token: '' } }),
      memoryProvider({ secrets: { token: new Uint8Array() } }),
      envProvider({ env: { token: '' } }),
    ]) {
      expect(await createSecretsManager({ providers: [provider] }).verifySecret('token', presented)).toBe(false)
    }
    expect(await text('').verifySecret('token', new Uint8Array())).toBe(false)
  })

  it.each([
    ['a candidate with a lone surrogate, for U+FFFD', '\ufffd', '\ud800'],
    ['U+FFFD, for a stored lone surrogate', '\ud800', '\ufffd'],
    ['another lone surrogate', 'a\ud800', 'a\udc00'],
    ['the same lone surrogate', 'a\ud800', 'a\ud800'],
    ['the bytes of U+FFFD, for a stored lone surrogate', '\ud800', Buffer.from('\ufffd')],
    ['a composed character, for a decomposed one', 'e\u0301', '\u00e9'],
  ])('%s', async (_, value, presented) => {
    expect(await text(value).verifySecret('token', presented)).toBe(false)
  })

  it('to compare a secret of more than 16 MiB, by an error', async () => {
    const value = 'x'.repeat(16 * 1_048_576 + 1)
    expect(await failureOf(text(value).verifySecret('token', value))).toMatchObject({ code: 'UNSUPPORTED', provider: 'store' })
  })

  it.each([undefined, null, 5, {}, ['v1']])('%j, which is neither text nor bytes, by an error', async (presented) => {
    expect(await codeOf(over().secrets.verifySecret('token', presented as string))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
  })

  it.each([
    [-1, '-1'],
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    ['60', 'text'],
  ])('acceptPreviousForSeconds: %j', async (given, shown) => {
    const acceptPreviousForSeconds = given as number // what JavaScript could pass
    expect(await failureOf(over().secrets.verifySecret('token', 'v1', { acceptPreviousForSeconds }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: `acceptPreviousForSeconds is ${shown}`,
    })
  })
})

describe('the version before the current one', () => {
  const rotated = async (): Promise<ReturnType<typeof over>> => {
    const store = over()
    await store.secrets.rotateSecret('token', 'v2')
    return store
  }

  it('is accepted within the grace period, from when the current one became current', async () => {
    const { secrets } = await rotated()
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
    at(60_000)
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
    at(60_001)
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(false)
    expect(await secrets.verifySecret('token', 'v2', grace)).toBe(true)
  })

  it('is not accepted by default', async () => {
    const { secrets } = await rotated()
    expect([await secrets.verifySecret('token', 'v1'), await secrets.verifySecret('token', 'v1', { acceptPreviousForSeconds: 0 })]).toEqual(
      [false, false],
    )
  })

  it('is the only earlier one that is accepted', async () => {
    const { secrets } = await rotated()
    await secrets.rotateSecret('token', 'v3')
    expect([await secrets.verifySecret('token', 'v2', grace), await secrets.verifySecret('token', 'v1', grace)]).toEqual([true, false])
  })

  it('is not accepted if the store does not report `currentSince`', async () => {
    const get = async (): Promise<StoredSecret> => ({ value: 'v2', version: 2 })
    const getVersion = vi.fn(async () => ({ value: 'v1', version: 1 }))
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
    expect(await secrets.verifySecret('token', 'v1', { acceptPreviousForSeconds: 1e9 })).toBe(false)
  })

  it('is not accepted from a provider without versions, or if there is none', async () => {
    const plain = createSecretsManager({ providers: [readOnly('plain', async () => ({ value: 'v2', currentSince: now }))] })
    expect(await plain.verifySecret('token', 'v1', grace)).toBe(false)
    expect(await over().secrets.verifySecret('token', 'v0', grace)).toBe(false)
  })

  it('that was held since before a second rotation elsewhere is not accepted', async () => {
    const { secrets, provider } = await rotated()
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
    at(ttlMs - 10_000)
    await provider.put('token', { value: 'v3' }, { signal: AbortSignal.timeout(1_000) })
    at(ttlMs + 1)
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(false)
    expect(await secrets.verifySecret('token', 'v2', grace)).toBe(true)
    expect(await secrets.verifySecret('token', 'v3', grace)).toBe(true)
  })

  it('that was read, and is still fresh, while the current one was read anew since a second rotation, is not accepted', async () => {
    const patient: VerifyOptions = { acceptPreviousForSeconds: 3_600 }
    const { secrets, provider } = await rotated()
    await secrets.verifySecret('token', 'v2')
    at(200_000)
    expect(await secrets.verifySecret('token', 'v1', patient)).toBe(true)
    await provider.put('token', { value: 'v3' }, { signal: AbortSignal.timeout(1_000) })
    at(ttlMs + 200_000 - 1)
    await secrets.getSecret('token', { fresh: true })
    expect(await secrets.verifySecret('token', 'v1', patient)).toBe(false)
    expect(await secrets.verifySecret('token', 'v2', patient)).toBe(true)
  })

  it('is read once, however often it is presented', async () => {
    const { secrets, provider } = await rotated()
    for (let times = 0; times < 5; times += 1) expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
    expect([provider.calls('get'), provider.calls('getVersion')]).toEqual([1, 1])
  })

  it('that a shared cache held since before a second rotation is not accepted', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { token: 'v1' } })
    const shared = memorySharedCache()
    const there = createSecretsManager({ providers: [store.provider], cache: { shared } })
    await there.rotateSecret('token', 'v2')
    await there.getSecret('token', { version: 'previous' })
    await vi.advanceTimersByTimeAsync(100_000)
    await store.provider.put('token', { value: 'v3' }, { signal: AbortSignal.timeout(1_000) })
    const here = createSecretsManager({ providers: [store.provider], cache: { shared: shared.anotherProcess() } })
    expect(await here.verifySecret('token', 'v1', grace)).toBe(false)
    expect(await here.verifySecret('token', 'v2', grace)).toBe(true)
  })

  /** A store that has seen tokens of these numbers, and a replica of it that answers for all but the current version. */
  const replicated = async (leader: readonly number[], replica: readonly number[]): Promise<SecretProvider> => {
    const [store, behind] = [memoryProvider(), memoryProvider()]
    const seed = async (provider: MemoryProvider, numbers: readonly number[]): Promise<void> => {
      for (const version of numbers) await provider.put('token', { value: `v${version}`, version }, { signal: AbortSignal.timeout(1_000) })
    }
    await seed(store, leader)
    await seed(behind, replica)
    return { ...readOnly('store', store.get), getVersion: behind.getVersion, describe: behind.describe }
  }

  it.each<[string, readonly number[], readonly number[], number, boolean]>([
    ['was just replaced, though a replica does not know yet', [1, 2, 3], [1, 2], 2, true],
    ['a replica still has as the one before', [1, 2, 3], [1, 2], 1, false],
    ['a replica has as the one before, which has not seen the last two', [1, 2, 3, 4], [1, 2], 1, false],
    ['has a number below, though some were skipped', [3, 7], [3, 7], 3, true],
    ['has a number below the one before', [1, 3, 7], [1, 3, 7], 1, false],
    ['a replica has as the one before, where numbers were skipped', [1, 3, 7], [1, 3], 1, false],
    ['is the one before, that a replica does not show, where numbers were skipped', [1, 3, 7], [1, 3], 3, false],
  ])('is accepted only if it is directly before: one that %s', async (_, leader, replica, presented, isAccepted) => {
    const secrets = createSecretsManager({ providers: [await replicated(leader, replica)] })
    expect(await secrets.verifySecret('token', `v${presented}`, grace)).toBe(isAccepted)
    expect(await secrets.verifySecret('token', `v${leader.at(-1)}`, grace)).toBe(true)
  })

  it('is searched once if numbers were skipped, however often a candidate is presented', async () => {
    const store = await replicated([3, 7], [3, 7])
    const describeSecret = vi.fn(store.describe)
    const getVersion = vi.fn(store.getVersion)
    const secrets = createSecretsManager({ providers: [{ ...store, getVersion, describe: describeSecret }] })
    for (const presented of ['v3', 'v7', 'wrong', 'v3', 'wrong']) await secrets.verifySecret('token', presented, grace)
    // The first mismatch has the current one read anew, and what is before it found again.
    expect([describeSecret.mock.calls.length, getVersion.mock.calls.map(([, version]) => version)]).toEqual([2, [6, 3]])
  })

  it('is not accepted if numbers were skipped and the store cannot list them', async () => {
    const secrets = createSecretsManager({ providers: [{ ...(await replicated([3, 7], [3, 7])), describe: undefined }] })
    expect([await secrets.verifySecret('token', 'v3', grace), await secrets.verifySecret('token', 'v7', grace)]).toEqual([false, true])
  })

  it.each([
    ['its own revision', { revision: 'r2', currentSince: now - 1 }],
    ['a later moment', { revision: 'r1', currentSince: now + 1 }],
  ])('is not accepted of versions without a number if it has %s', async (_, metadata) => {
    const getVersion = async (): Promise<StoredSecret> => ({ value: 'v1', ...metadata })
    const store = { ...readOnly('store', async () => ({ value: 'v2', revision: 'r2', currentSince: now })), getVersion }
    const secrets = createSecretsManager({ providers: [store] })
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(false)
  })

  it.each<[string, Partial<StoredSecret>, Partial<StoredSecret>]>([
    ['that has a revision of its own', { revision: 'r2' }, { revision: 'r1', currentSince: now - 1 }],
    ['that the store gives no revision', {}, { currentSince: now - 1 }],
    ['of the same moment', { revision: 'r2' }, { revision: 'r1', currentSince: now }],
    ['without the time since when it is current', { revision: 'r2' }, { revision: 'r1' }],
  ])('is accepted of versions without a number: one %s', async (_, current, previous) => {
    const get = async (): Promise<StoredSecret> => ({ value: 'v2', currentSince: now, ...current })
    const getVersion = async (): Promise<StoredSecret> => ({ value: 'v1', ...previous })
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
  })

  it('is found among versions without numbers, though there was none a moment before', async () => {
    let value = 'v1'
    const get = async (): Promise<StoredSecret> => ({ value, revision: value, currentSince: now })
    const getVersion = async (): Promise<StoredSecret | undefined> => (value === 'v1' ? undefined : { value: 'v1', revision: 'v1' })
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
    expect(await secrets.verifySecret('token', 'v0', grace)).toBe(false)
    value = 'v2'
    await secrets.getSecret('token', { fresh: true })
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
  })

  it('is read anew if the secret was created anew, with the same numbers', async () => {
    let life = 'first'
    const get = async (): Promise<StoredSecret> => ({ value: `${life} v2`, version: 2, currentSince: now })
    const getVersion = async (): Promise<StoredSecret> => ({ value: `${life} v1`, version: 1 })
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
    expect(await secrets.verifySecret('token', 'first v1', grace)).toBe(true)
    life = 'second'
    at(1)
    await secrets.getSecret('token', { fresh: true })
    expect(await secrets.verifySecret('token', 'first v1', grace)).toBe(false)
    expect(await secrets.verifySecret('token', 'second v1', grace)).toBe(true)
  })

  it('is not read if the current one is the first', async () => {
    const { secrets, provider } = over()
    expect(await secrets.verifySecret('token', 'v0', grace)).toBe(false)
    expect([provider.calls('getVersion'), provider.calls('describe')]).toEqual([0, 0])
  })

  it('of a field is compared by that field', async () => {
    const { secrets } = over({ secrets: { db: '{"a":"a1","b":"b1"}' } })
    await secrets.rotateSecret('db', '{"a":"a2"}')
    const verify = (presented: string, field: string): Promise<boolean> => secrets.verifySecret('db', presented, { ...grace, field })
    expect([await verify('a1', 'a'), await verify('a2', 'a'), await verify('b1', 'a')]).toEqual([true, true, false])
    await secrets.rotateSecret('db', '{"b":"b3"}')
    expect([await verify('b1', 'b'), await verify('b3', 'b')]).toEqual([false, true]) // the one before has no such field
  })

  it.each<SecretsErrorCode>(['UNAVAILABLE', 'RATE_LIMITED', 'PERMISSION_DENIED', 'INTERNAL'])(
    'that could not be read (%s) is no "false"',
    async (code) => {
      const store = breakable({ secrets: { token: 'v1' } })
      const secrets = createSecretsManager({ providers: [store.provider] })
      await secrets.rotateSecret('token', 'v2')
      store.plan = ({ method }) => (method === 'getVersion' ? faults.reject(code) : undefined)
      expect(await secrets.verifySecret('token', 'v2', grace)).toBe(true)
      expect(await codeOf(secrets.verifySecret('token', 'v1', grace))).toBe(code)
      expect(await secrets.verifySecret('token', 'v1')).toBe(false)
    },
  )

  it.each<SecretsErrorCode>(['UNSUPPORTED', 'DELETED'])('matches nothing where the store says %s of it', async (code) => {
    const getVersion = async (): Promise<never> => Promise.reject(new SecretsError(code, 'x'))
    const store = { ...readOnly('store', async () => ({ value: 'v2', version: 2, currentSince: now })), getVersion }
    const secrets = createSecretsManager({ providers: [store] })
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(false)
  })

  it('that was withdrawn matches nothing, and does not affect the current one', async () => {
    const store = breakable({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await secrets.rotateSecret('token', 'v2')
    store.plan = ({ method }) => (method === 'getVersion' ? faults.reject('DELETED') : undefined)
    expect([await secrets.verifySecret('token', 'v1', grace), await secrets.verifySecret('token', 'v2', grace)]).toEqual([false, true])
  })

  it('does not prevent a match of the current one, though it is slow and nothing is kept', async () => {
    const store = breakable({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider], autoCleanup: true })
    await secrets.rotateSecret('token', 'v2')
    store.plan = ({ method }) => (method === 'getVersion' ? faults.delay(50) : undefined)
    const verified = Promise.all(['v2', 'v1', 'v0'].map((presented) => secrets.verifySecret('token', presented, grace)))
    await vi.advanceTimersByTimeAsync(50)
    expect(await verified).toEqual([true, true, false])
  })
})

describe('a chain with an unreachable provider', () => {
  const pair = (): { first: Breakable; secrets: SecretsManager; second: Breakable } => {
    const [first, second] = [breakable({ name: 'first' }), breakable({ name: 'second', secrets: { token: 'v' } })]
    return { first, second, secrets: createSecretsManager({ providers: [first.provider, second.provider] }) }
  }

  it('never verifies by a degraded answer, unless `acceptDegraded`', async () => {
    const { first, secrets } = pair()
    first.plan = () => faults.reject('UNAVAILABLE')
    for (const presented of ['v', 'w']) expect(await codeOf(secrets.verifySecret('token', presented))).toBe('UNAVAILABLE')
    expect(await secrets.verifySecret('token', 'v', { acceptDegraded: true })).toBe(true)
    expect(await secrets.verifySecret('token', 'w', { acceptDegraded: true })).toBe(false)
  })

  it.each(['token', 'withdrawn'])('names the unreachable provider, and why (%s)', async (name) => {
    const refusing = async (): Promise<never> =>
      Promise.reject(new SecretsError('RATE_LIMITED', 'the store is throttling', { remedy: 'ask for less' }))
    const gone = new SecretsError('DELETED', 'it was withdrawn')
    const second = readOnly('second', async (path) => (path === 'withdrawn' ? Promise.reject(gone) : { value: 'v' }))
    const secrets = createSecretsManager({ providers: [readOnly('none', async () => undefined), readOnly('first', refusing), second] })
    expect(await failureOf(secrets.verifySecret(name, 'v'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: `Secret '${name}': an earlier provider cannot be asked, so whether 'second' has the current secret is not known: first said RATE_LIMITED, the store is throttling (ask for less)`,
      attempts: [
        { provider: 'none', code: 'NOT_FOUND' },
        { provider: 'first', code: 'RATE_LIMITED' },
      ],
    })
  })

  it('gives a remedy if the unreachable provider gave none', async () => {
    const { first, secrets } = pair()
    first.plan = () => faults.reject('UNAVAILABLE')
    expect(await failureOf(secrets.verifySecret('token', 'v'))).toMatchObject({ remedy: 'try again, or pass acceptDegraded' })
  })

  it('does not match a withdrawn secret that an override skips', async () => {
    const gone = readOnly('gone', async () => Promise.reject(new SecretsError('DELETED', 'withdrawn')))
    const secrets = createSecretsManager({ providers: [gone, readOnly('later', async () => undefined)], fallback: { DELETED: 'next' } })
    expect(await secrets.verifySecret('token', 'v1')).toBe(false)
  })

  it.each<SecretsErrorCode>(['NOT_FOUND', 'DELETED', 'UNSUPPORTED'])(
    'does not match what is withdrawn, though an earlier store said %s',
    async (code) => {
      const first = readOnly('first', async () => (code === 'NOT_FOUND' ? undefined : Promise.reject(new SecretsError(code, 'x'))))
      const gone = readOnly('gone', async () => Promise.reject(new SecretsError('DELETED', 'withdrawn')))
      const missing = readOnly('missing', async () => undefined)
      const fallback = { DELETED: 'next' } as const
      const secrets = createSecretsManager({ providers: [missing, first, gone, readOnly('last', async () => undefined)], fallback })
      expect(await secrets.verifySecret('token', 'v1')).toBe(false)
    },
  )

  it('throws instead of answering false if the secret was not found', async () => {
    const { first, secrets } = pair()
    first.plan = () => faults.reject('UNAVAILABLE')
    expect(await codeOf(secrets.verifySecret('missing', 'v'))).toBe('UNAVAILABLE')
    expect(await codeOf(secrets.verifySecret('missing', 'v', { acceptDegraded: true }))).toBe('UNAVAILABLE')
  })

  it('throws instead of answering false if a later store has withdrawn the secret', async () => {
    const { first, second, secrets } = pair()
    await secrets.deleteSecret('token')
    first.plan = () => faults.reject('UNAVAILABLE')
    expect(second.provider.calls('delete')).toBe(1)
    expect(await codeOf(secrets.verifySecret('token', 'v'))).toBe('UNAVAILABLE')
    expect(await secrets.verifySecret('token', 'v', { acceptDegraded: true })).toBe(false)
  })

  it.each<SecretsErrorCode>([
    'UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'PERMISSION_DENIED',
    'UNAUTHENTICATED',
    'CREDENTIALS_MISSING',
    'CONFIGURATION',
    'INTEGRITY',
    'INTERNAL',
  ])('throws where every store says %s', async (code) => {
    const { first, second, secrets } = pair()
    first.plan = second.plan = () => faults.reject(code)
    expect(await failureOf(secrets.verifySecret('token', 'v'))).toBeInstanceOf(SecretsError)
  })

  it('verifies by the stale answer of its own store', async () => {
    const { second, secrets } = pair()
    expect(await secrets.verifySecret('token', 'v')).toBe(true)
    second.plan = () => faults.reject('UNAVAILABLE')
    at(ttlMs)
    expect([await secrets.verifySecret('token', 'v'), await secrets.verifySecret('token', 'w')]).toEqual([true, false])
    at(2 * ttlMs + 300_000)
    expect(await codeOf(secrets.verifySecret('token', 'v'))).toBe('UNAVAILABLE')
  })
})

describe('a rotation by another process', () => {
  const context = { signal: new AbortController().signal }

  /** A manager that holds what was current before, and the store that others write. */
  async function held(ttlSeconds?: number): Promise<{ secrets: SecretsManager; provider: Breakable['provider']; store: Breakable }> {
    const store = breakable({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { ttlSeconds } })
    await secrets.verifySecret('token', 'v1')
    return { secrets, provider: store.provider, store }
  }

  it.each([0, 1, 100, 4_999, 5_000, 60_000])(
    'is seen at once by a new secret that is presented %d ms after the store was asked',
    async (ms) => {
      const { secrets, provider } = await held()
      await provider.put('token', { value: 'v2' }, context)
      at(ms)
      expect(await secrets.verifySecret('token', 'v2')).toBe(true)
      expect(await secrets.verifySecret('token', 'v1')).toBe(false)
    },
  )

  it('is seen at once after another one: a match is no guess', async () => {
    const { secrets, provider } = await held()
    for (const value of ['v2', 'v3', 'v4']) {
      await provider.put('token', { value }, context)
      expect(await secrets.verifySecret('token', value)).toBe(true)
    }
  })

  it('is seen at most 5 s after a mismatch', async () => {
    const { secrets, provider } = await held()
    expect(await secrets.verifySecret('token', 'guess')).toBe(false)
    await provider.put('token', { value: 'v2' }, context)
    at(4_999)
    expect(await secrets.verifySecret('token', 'v2')).toBe(false)
    at(5_000)
    expect(await secrets.verifySecret('token', 'v2')).toBe(true)
  })

  it('is seen at once if the clock is set back', async () => {
    const { secrets, provider } = await held()
    await secrets.verifySecret('token', 'guess')
    await provider.put('token', { value: 'v2' }, context)
    at(-3_600_000)
    expect(await secrets.verifySecret('token', 'v2')).toBe(true)
  })

  it('costs no second call if the first mismatch read the store', async () => {
    for (const cache of [{}, { ttlSeconds: 0 }]) {
      const { provider } = breakable({ secrets: { token: 'v1' } })
      const secrets = createSecretsManager({ providers: [provider], cache })
      expect(await secrets.verifySecret('token', 'guess')).toBe(false)
      expect(provider.calls('get')).toBe(1)
    }
    const { secrets, provider } = over()
    await secrets.verifySecret('token', 'guess', { fresh: true })
    await secrets.verifySecret('token', 'guess')
    expect(provider.calls('get')).toBe(1)
  })

  it.each([true, false])('costs one call for a thousand concurrent mismatches (value held: %s)', async (isHeld) => {
    const store = breakable({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    if (isHeld) await secrets.verifySecret('token', 'v1')
    store.plan = () => faults.delay(50)
    const before = store.provider.calls('get')
    const matches = Promise.all(Array.from({ length: 1_000 }, (_, index) => secrets.verifySecret('token', `guess ${index}`)))
    await vi.advanceTimersByTimeAsync(50)
    expect(new Set(await matches)).toEqual(new Set([false]))
    expect(store.provider.calls('get') - before).toBe(1)
  })

  it('is seen by all who present the new secret during a recheck, even if its caller aborts', async () => {
    const { secrets, provider, store } = await held()
    await provider.put('token', { value: 'v2' }, context)
    store.plan = () => faults.delay(50)
    const caller = new AbortController()
    const guess = codeOf(secrets.verifySecret('token', 'guess', { signal: caller.signal }))
    await vi.advanceTimersByTimeAsync(10)
    const matches = Promise.all(Array.from({ length: 100 }, () => secrets.verifySecret('token', 'v2')))
    await vi.advanceTimersByTimeAsync(10)
    caller.abort()
    await vi.advanceTimersByTimeAsync(30)
    expect([await guess, new Set(await matches)]).toEqual(['ABORTED', new Set([true])])
    expect(provider.calls('get')).toBe(2)
  })

  it.each([
    [50, [false, true], 2],
    [100, [false, true], 2],
    [101, [true, true], 2],
    [150, [true, true], 2],
  ])(
    'is seen though the call that was joined had begun %d ms before it: at once, or when it is presented again',
    async (ms, matches, calls) => {
      const store = breakable({ secrets: { token: 'v1' } })
      const secrets = createSecretsManager({ providers: [store.provider] })
      store.plan =
        ({ count }) =>
        async (call, next) => {
          const answer = await next(call.context)
          if (call.method === 'get' && count === 1) await new Promise((resolve) => setTimeout(resolve, 200))
          return answer
        }
      const before = secrets.verifySecret('token', 'v1')
      await vi.advanceTimersByTimeAsync(ms)
      await store.provider.put('token', { value: 'v2' }, context)
      const first = secrets.verifySecret('token', 'v2')
      await vi.advanceTimersByTimeAsync(200)
      expect([await before, await first, await secrets.verifySecret('token', 'v2'), store.provider.calls('get')]).toEqual([
        true,
        ...matches,
        calls,
      ])
    },
  )

  it('asks no earlier provider again while a later one is slow', async () => {
    const first = breakable({ name: 'first' })
    const second = breakable({ name: 'second', secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [first.provider, second.provider] })
    await secrets.verifySecret('token', 'v1')
    second.plan = () => faults.delay(50)
    const matches = []
    for (let ms = 0; ms < 50; ms += 1) {
      matches.push(secrets.verifySecret('token', 'guess'))
      await vi.advanceTimersByTimeAsync(1)
    }
    await Promise.all(matches)
    expect([first.provider.calls('get'), second.provider.calls('get')]).toEqual([2, 2])
  })

  it('costs one call for all names and fields of one path', async () => {
    const secretsOf = { db: '{"a":"1","b":"2"}', other: 'x' }
    const { secrets, provider } = over({ secrets: secretsOf, names: { a: 'db#a', alias: 'db' } })
    const guesses = (): Promise<boolean>[] => [
      secrets.verifySecret('a', 'guess'),
      secrets.verifySecret('db', 'guess', { field: 'b' }),
      secrets.verifySecret('alias', 'guess'),
      secrets.verifySecret('other', 'guess'),
    ]
    await Promise.all([secrets.getSecretValue('db'), secrets.getSecretValue('other')])
    for (let times = 0; times < 5; times += 1) for (const guess of guesses()) await guess
    expect(provider.calls('get')).toBe(4)
  })

  it('is found if the shared cache lags behind', async () => {
    const { provider } = breakable({ sharedAs: 'store', secrets: { token: 'v1' } })
    const shared = memorySharedCache()
    const [there, here] = [shared, shared.anotherProcess()].map((each) =>
      createSecretsManager({ providers: [provider], cache: { shared: each } }),
    )
    await there?.verifySecret('token', 'v1')
    await vi.advanceTimersByTimeAsync(1_000)
    await provider.put('token', { value: 'v2' }, context)
    expect(await here?.verifySecret('token', 'v2')).toBe(true)
  })

  it.each([{}, { actor: 'webapp' }])('causes no call while the held value matches: %j', async (options) => {
    const { secrets, provider } = over()
    for (const ms of [0, 5_000, 100_000]) {
      at(ms)
      expect(await secrets.verifySecret('token', 'v1', options)).toBe(true)
    }
    expect(provider.calls('get')).toBe(1)
  })

  it("is recorded with the store's current version", async () => {
    const elsewhere = memoryProvider({ secrets: { token: 'v1' } })
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [elsewhere], audit })
    await secrets.verifySecret('token', 'v1')
    await elsewhere.put('token', { value: 'v2' }, context)
    at(5_000)
    await secrets.verifySecret('token', 'v2')
    expect(audit.events().map(({ version, from }) => [version, from])).toEqual([
      [1, 'store'],
      [2, 'store'],
    ])
  })

  it('costs the store one call in 5 s, however many mismatches there are', async () => {
    const { secrets, provider } = over()
    for (let ms = 0; ms < 20_000; ms += 100) {
      at(ms)
      expect(await secrets.verifySecret('token', 'guess')).toBe(false)
    }
    expect(provider.calls('get')).toBe(4)
  })

  it('is not seen while the store is unreachable: the fresh held value decides', async () => {
    const store = over()
    await store.secrets.verifySecret('token', 'v1')
    store.plan = () => faults.reject('UNAVAILABLE')
    at(10_000)
    expect(await store.secrets.verifySecret('token', 'v2')).toBe(false)
  })

  /** Milliseconds and outcome of a mismatch, or of a call that a late answer lets match. */
  async function verified(secrets: SecretsManager, presented: string): Promise<readonly [ms: number, outcome: boolean]> {
    const from = Date.now()
    const verifying = secrets.verifySecret('token', presented).then((outcome) => [Date.now() - from, outcome] as const)
    await vi.advanceTimersByTimeAsync(10_000)
    return verifying
  }

  it('costs a mismatch 50 ms while the store hangs, once that is known', async () => {
    const { secrets, store } = await held()
    store.plan = () => faults.hang()
    const calls = [await verified(secrets, 'guess'), await verified(secrets, 'guess'), await verified(secrets, 'guess')]
    expect(calls).toEqual([
      [5_000, false],
      [50, false],
      [50, false],
    ])
  })

  it('costs a mismatch 50 ms beside a recheck that hangs', async () => {
    const { secrets, store } = await held()
    store.plan = () => faults.hang()
    const first = secrets.verifySecret('token', 'guess')
    await vi.advanceTimersByTimeAsync(1_300)
    expect(await verified(secrets, 'guess')).toEqual([50, false])
    expect(await first).toBe(false)
  })

  it('is seen by the next one if the store answers late, and changes nothing that was recorded', async () => {
    const store = breakable({ secrets: { token: 'v1' } })
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [store.provider], audit })
    await secrets.verifySecret('token', 'v1')
    store.plan = () => faults.hang()
    await verified(secrets, 'guess')
    store.plan = () => undefined
    await store.provider.put('token', { value: 'v2' }, context)
    store.plan = () => faults.delay(200)
    expect(await verified(secrets, 'v2')).toEqual([50, false])
    const [recorded] = audit.events().slice(-1)
    expect(recorded).toMatchObject({ version: 1, from: 'memory', matched: 'none' })
    expect(await verified(secrets, 'v2')).toEqual([0, true])
  })

  it('rejects with the denial that it meets after an outage, at once or the next time', async () => {
    const { secrets, store } = await held()
    store.plan = () => faults.hang()
    await verified(secrets, 'guess')
    store.plan = () => faults.reject('PERMISSION_DENIED')
    expect(await codeOf(secrets.verifySecret('token', 'guess'))).toBe('PERMISSION_DENIED')
  })

  it('is never seen in a later store, though degraded answers are accepted: the held value is preferred', async () => {
    const first = breakable({ name: 'first', secrets: { token: 'v2' } })
    const audit = memoryAuditTrail()
    const weaker = memoryProvider({ name: 'weaker', secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [first.provider, weaker], audit })
    await secrets.verifySecret('token', 'v2')
    first.plan = () => faults.reject('UNAVAILABLE')
    at(10_000)
    expect(await secrets.verifySecret('token', 'v1', { acceptDegraded: true })).toBe(false)
    expect(audit.events().at(-1)).toMatchObject({ provider: 'first', degraded: false, matched: 'none' })
  })

  it('rejects with the denial that it meets', async () => {
    const store = over()
    await store.secrets.verifySecret('token', 'v1')
    store.plan = () => faults.reject('PERMISSION_DENIED')
    at(10_000)
    expect(await codeOf(store.secrets.verifySecret('token', 'v2'))).toBe('PERMISSION_DENIED')
  })

  it('never costs a lease', async () => {
    const get = vi.fn(async () => ({ value: 'v1', exclusive: true }))
    const secrets = createSecretsManager({ providers: [readOnly('leases', get)] })
    await secrets.verifySecret('token', 'v1')
    at(10_000)
    expect(await secrets.verifySecret('token', 'v2')).toBe(false)
    expect(get).toHaveBeenCalledTimes(1)
  })
})

describe('comparing', () => {
  it('is always made in constant time with both versions: absent, missing or refused', async () => {
    const crypto = process.getBuiltinModule('node:crypto')
    const compared = vi.spyOn(crypto, 'timingSafeEqual')
    const { secrets } = over()
    const presented = ['v1', 'v0', '', '\ud800', 'x'.repeat(5_000)]
    await secrets.verifySecret('token', 'v0') // what is put to the store is compared again
    compared.mockClear()
    for (const name of ['token', 'missing']) for (const candidate of presented) await secrets.verifySecret(name, candidate)
    expect(compared.mock.calls.length).toBe(2 * 2 * presented.length)
    for (const [one, other] of compared.mock.calls) expect([one.byteLength, other.byteLength]).toEqual([32, 32])
  })

  it('hashes as much for a candidate that is too long as for the longest allowed', async () => {
    const crypto = process.getBuiltinModule('node:crypto')
    const hashed = vi.spyOn(crypto, 'hash')
    const { secrets } = over()
    await secrets.verifySecret('token', 'v1')
    hashed.mockClear()
    const longest = 'x'.repeat(1_048_576)
    await secrets.verifySecret('token', 'guess')
    hashed.mockClear()
    for (const presented of [longest, `${longest}x`, longest.repeat(10), '秘'.repeat(1_048_577), Buffer.alloc(64 * 1_024 * 1_024)])
      await secrets.verifySecret('token', presented)
    const lengths = hashed.mock.calls.map(([, input]) => (input as Uint8Array).byteLength)
    expect([lengths.length, new Set(lengths).size]).toEqual([5, 1])
  })

  it('drops the digest together with its value', async () => {
    const { secrets, provider } = over()
    expect(await secrets.verifySecret('token', 'v1')).toBe(true)
    await provider.put('token', { value: 'v2' }, { signal: AbortSignal.timeout(1_000) })
    expect(await secrets.verifySecret('token', 'v1', { fresh: true })).toBe(false)
    expect(await secrets.verifySecret('token', 'v2')).toBe(true)
  })
})

describe('the audit trail', () => {
  it.each<[string, VerifyOptions, object]>([
    ['v2', {}, { outcome: 'ok', matched: 'current' }],
    ['v1', grace, { outcome: 'ok', matched: 'previous' }],
    ['v1', {}, { outcome: 'ok', matched: 'none' }],
  ])('hears what %s matched', async (presented, options, expected) => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'v1' } })], audit })
    await secrets.rotateSecret('token', 'v2')
    await secrets.verifySecret('token', presented, { ...options, actor: 'webapp', requestId: 'r-1' })
    expect(audit.events().at(-1)).toMatchObject({
      operation: 'verify',
      phase: 'outcome',
      name: 'token',
      provider: 'memory',
      version: 2,
      actor: 'webapp',
      requestId: 'r-1',
      ...expected,
    })
  })

  it('records a missing name like a mismatch', async () => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [memoryProvider()], audit })
    await secrets.verifySecret('missing', 'v')
    expect(audit.events()).toMatchObject([{ operation: 'verify', outcome: 'ok', matched: 'none' }])
  })

  it('without an acknowledgement holds back the answer', async () => {
    const provider: SecretProvider = memoryProvider({ secrets: { token: 'v1' } })
    const secrets = createSecretsManager({ providers: [provider], audit: memoryAuditTrail({ plan: () => 'fail' }) })
    for (const presented of ['v1', 'v2']) expect(await codeOf(secrets.verifySecret('token', presented))).toBe('AUDIT_FAILED')
  })
})
