import {
  createSecretsManager,
  envProvider,
  type SecretProvider,
  SecretsError,
  type SecretsManager,
  type StoredSecret,
  type VerifyOptions,
} from '@finchat/secrets-core'
import { memoryAuditTrail, memorySharedCache } from '@finchat/secrets-testkit'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readOnly } from './testing/manager-trial.ts'
import { onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const second = 1_000
const ttlMs = 300 * second
const grace: VerifyOptions = { acceptPreviousForSeconds: 600 }
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

interface Unversioned {
  current: StoredSecret | undefined
  readonly secrets: SecretsManager
  readonly audit: ReturnType<typeof memoryAuditTrail>
}

/** A manager over a store that keeps no versions. */
function over(first: StoredSecret | string = 'A', cache: object = {}): Unversioned {
  const audit = memoryAuditTrail()
  const get = async (): Promise<StoredSecret | undefined> => store.current && { ...store.current }
  const secrets = createSecretsManager({ providers: [readOnly('store', get)], cache, audit })
  const store: Unversioned = { current: typeof first === 'string' ? { value: first } : first, secrets, audit }
  return store
}

describe('the former value of a store without versions', () => {
  it('is accepted for the grace, counted from when the store last gave it', async () => {
    const store = over()
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(true)
    store.current = { value: 'B' }
    await pass(ttlMs)
    expect(await store.secrets.verifySecret('token', 'B', grace)).toBe(true)
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(300 * second)
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(1)
    expect([await store.secrets.verifySecret('token', 'A', grace), await store.secrets.verifySecret('token', 'B', grace)]).toEqual([
      false,
      true,
    ])
  })

  it('is recorded as `previous`', async () => {
    const store = over()
    await store.secrets.getSecret('token')
    store.current = { value: 'B' }
    await store.secrets.getSecret('token', { fresh: true })
    await store.secrets.verifySecret('token', 'A', grace)
    expect(store.audit.events().at(-1)).toMatchObject({ operation: 'verify', outcome: 'ok', matched: 'previous' })
    await store.secrets.verifySecret('token', 'A')
    expect(store.audit.events().at(-1)).toMatchObject({ matched: 'none' })
  })

  it('is accepted after the first rotation, though only plain reads saw the value and its successor', async () => {
    const store = over()
    await store.secrets.getSecret('token')
    store.current = { value: 'B' }
    await pass(ttlMs)
    await store.secrets.getSecret('token')
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(true)
  })

  it.each(['wrong', '', 'B '])('does not make %j match', async (presented) => {
    const store = over()
    await store.secrets.getSecret('token')
    store.current = { value: 'B' }
    await store.secrets.getSecret('token', { fresh: true })
    expect(await store.secrets.verifySecret('token', presented, grace)).toBe(false)
  })

  it('is the direct one alone: of A, B, C only B', async () => {
    const store = over()
    for (const value of ['A', 'B', 'C']) {
      store.current = { value }
      await store.secrets.getSecret('token', { fresh: true })
    }
    const matches = await Promise.all(['A', 'B', 'C'].map((each) => store.secrets.verifySecret('token', each, grace)))
    expect(matches).toEqual([false, true, true])
  })

  it('may come back: of A, B, A both are accepted, B for its grace', async () => {
    const store = over()
    for (const value of ['A', 'B', 'A']) {
      store.current = { value }
      await store.secrets.getSecret('token', { fresh: true })
    }
    expect([await store.secrets.verifySecret('token', 'A', grace), await store.secrets.verifySecret('token', 'B', grace)]).toEqual([
      true,
      true,
    ])
    await pass(601 * second)
    expect([await store.secrets.verifySecret('token', 'A', grace), await store.secrets.verifySecret('token', 'B', grace)]).toEqual([
      true,
      false,
    ])
  })

  it('keeps its end when its successor is read again', async () => {
    const store = over()
    await store.secrets.getSecret('token')
    store.current = { value: 'B' }
    for (const ms of [0, ttlMs, ttlMs - 1]) {
      await pass(ms)
      await store.secrets.getSecret('token', { fresh: true })
      expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(true)
    }
    await pass(2)
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(false)
  })

  it('ends by the clock that has gone further: the wall clock, or the monotonic one', async () => {
    for (const [wallMs, otherMs, isAccepted] of [
      [601 * second, 0, false],
      [-3_600 * second, 601 * second, false],
      [-3_600 * second, 599 * second, true],
      [599 * second, 0, true],
    ] as const) {
      const store = over()
      await store.secrets.getSecret('token')
      store.current = { value: 'B' }
      await store.secrets.getSecret('token', { fresh: true })
      await pass(otherMs)
      vi.setSystemTime(Date.now() + wallMs)
      expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(isAccepted)
    }
  })

  it('counts from when the store last gave it, whatever the store tells of its successor', async () => {
    for (const [member, agoMs] of [
      ['currentSince', 50 * second],
      ['currentNotBefore', 50 * second],
      ['currentSince', 350 * second], // before the store last gave it: this clock is ahead of the store's
    ] as const) {
      const store = over()
      await store.secrets.getSecret('token')
      await pass(250 * second)
      store.current = { value: 'B', [member]: Date.now() - agoMs }
      await store.secrets.getSecret('token', { fresh: true })
      await pass(350 * second)
      expect([member, agoMs, await store.secrets.verifySecret('token', 'A', grace)]).toEqual([member, agoMs, true])
      await pass(1)
      expect([member, agoMs, await store.secrets.verifySecret('token', 'A', grace)]).toEqual([member, agoMs, false])
    }
  })

  it('is not accepted by the time of the current one where another lay between that nobody read', async () => {
    for (const member of ['currentSince', 'currentNotBefore']) {
      const store = over()
      await store.secrets.verifySecret('token', 'A', grace)
      await pass(300 * second) // B, which replaced A at once, is replaced by C
      store.current = { value: 'C', [member]: Date.now() }
      await pass(301 * second)
      expect([member, await store.secrets.verifySecret('token', 'A', grace)]).toEqual([member, false])
    }
  })

  it('counts from when the store was asked, not from when it answered', async () => {
    let current = 'A'
    const slow = async (): Promise<StoredSecret> => {
      const value = current
      await new Promise((resolve) => void setTimeout(resolve, 4 * second))
      return { value }
    }
    const secrets = createSecretsManager({ providers: [readOnly('store', slow)], cache: { ttlSeconds: 3_600 } })
    for (current of ['A', 'B']) {
      const reading = secrets.getSecret('token', { fresh: true })
      await pass(4 * second)
      await reading
    }
    await pass(592 * second)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(1)
    const guess = secrets.verifySecret('token', 'A', grace)
    await pass(4 * second)
    expect(await guess).toBe(false)
  })

  it('is not accepted once the secret was withdrawn between', async () => {
    const store = over()
    await store.secrets.getSecret('token')
    store.current = undefined
    expect(await store.secrets.verifySecret('token', 'A', { ...grace, fresh: true })).toBe(false)
    store.current = { value: 'B' }
    expect(await store.secrets.verifySecret('token', 'A', { ...grace, fresh: true })).toBe(false)
  })

  it('is known by field, if the field was verified while the value was current', async () => {
    const store = over('{"user":"u","password":"A"}')
    const field = 'password'
    for (const password of ['A', 'B', 'C']) {
      store.current = { value: JSON.stringify({ user: 'u', password }) }
      await store.secrets.verifySecret('token', 'x', { ...grace, field, fresh: true })
    }
    const matches = await Promise.all(['A', 'B', 'C', 'u'].map((each) => store.secrets.verifySecret('token', each, { ...grace, field })))
    expect(matches).toEqual([false, true, true, false])
  })

  it('is of no field that nobody read or verified while it was current', async () => {
    const store = over('{"user":"u","password":"A"}')
    await store.secrets.getSecret('token')
    store.current = { value: '{"user":"u","password":"B"}' }
    expect(await store.secrets.verifySecret('token', 'A', { ...grace, fresh: true, field: 'password' })).toBe(false)
  })

  it.each([{ expiresAt: 4e12 }, { exclusive: true }, { value: 'x'.repeat(2 ** 20 + 1) }])(
    'is none of a secret with %j',
    async (members) => {
      const value = 'A'
      const store = over({ value, ...members })
      await store.secrets.verifySecret('token', 'x', grace)
      store.current = { value: 'B' }
      expect(await store.secrets.verifySecret('token', members.value ?? value, { ...grace, fresh: true })).toBe(false)
    },
  )

  it('is forgotten with the least recently used secrets', async () => {
    const store = over('A', { maxEntries: 2 })
    await store.secrets.getSecret('token')
    store.current = { value: 'B' }
    await store.secrets.getSecret('token', { fresh: true })
    for (const name of ['a', 'b', 'c', 'd']) await store.secrets.getSecret(name)
    expect(await store.secrets.verifySecret('token', 'A', grace)).toBe(false)
  })

  it('is known with `autoCleanup` from the first verification with a grace on', async () => {
    const get = async (): Promise<StoredSecret> => ({ value })
    let value = 'A'
    const secrets = createSecretsManager({ providers: [readOnly('store', get)], autoCleanup: true })
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    value = 'B'
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(601 * second)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(false)
  })
})

describe('mounted files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grace-'))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  let swaps = 0

  /** As the kubelet does: a new directory, and a link that is renamed over the former one. */
  function swap(files: Readonly<Record<string, string>>): void {
    const version = `..v${(swaps += 1)}`
    mkdirSync(join(folder, version), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, version, name), text)
    symlinkSync(version, join(folder, '..tmp'))
    renameSync(join(folder, '..tmp'), join(folder, '..data'))
    for (const name of Object.keys(files)) {
      rmSync(join(folder, name), { force: true })
      symlinkSync(`..data/${name}`, join(folder, name))
    }
  }

  it('accept the former content; a swap with equal content is no rotation', async () => {
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() - 1_000 * second }) // every file is of the latest moment
    swap({ token: 'A', other: '1' })
    const secrets = createSecretsManager({ providers: [envProvider({ env: {}, directory: folder })], cache: { ttlSeconds: 0 } })
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    swap({ token: 'B', other: '1' })
    expect([await secrets.verifySecret('token', 'A', grace), await secrets.verifySecret('token', 'B', grace)]).toEqual([true, true])
    vi.advanceTimersByTime(500 * second)
    swap({ token: 'B', other: '2' })
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    vi.advanceTimersByTime(101 * second)
    swap({ token: 'B', other: '3' })
    expect([await secrets.verifySecret('token', 'A', grace), await secrets.verifySecret('token', 'B', grace)]).toEqual([false, true])
  })
})

describe('a fleet with a shared cache', () => {
  let latest = memorySharedCache()
  type Start = (value: string | undefined, plan?: () => 'fail' | 'hang' | undefined) => SecretsManager
  /** Processes of a fleet: each has the variable that it was started with. */
  function fleetOf(...later: readonly SecretProvider[]): Start {
    const first = (latest = memorySharedCache())
    return (token, plan) => {
      const provider = envProvider({ env: { token }, graceSharedAs: 'payments' })
      return createSecretsManager({ providers: [provider, ...later], cache: { shared: first.anotherProcess({ plan }), ttlSeconds: 60 } })
    }
  }
  const byDefault = readOnly('later', async () => ({ value: 'a default' }))
  const settled = (): Promise<unknown> => pass(1)

  it('accepts the variable of processes that were started before, in new ones', async () => {
    const start = fleetOf()
    expect(await start('A').verifySecret('token', 'A', grace)).toBe(true)
    await settled()
    const fresh = start('B')
    const matches = await Promise.all(['A', 'B', 'C'].map((each) => fresh.verifySecret('token', each, grace)))
    expect(matches).toEqual([true, true, false])
    await pass(601 * second)
    expect(await fresh.verifySecret('token', 'A', grace)).toBe(false)
  })

  it('accepts the direct predecessor alone, and none for a longer grace', async () => {
    const start = fleetOf()
    for (const value of ['A', 'B']) {
      await start(value).verifySecret('token', value, grace)
      await settled()
    }
    const fresh = start('C')
    const matches = await Promise.all(['A', 'B', 'C'].map((each) => fresh.verifySecret('token', each, grace)))
    expect([...matches, await fresh.verifySecret('token', 'B', { acceptPreviousForSeconds: 86_400 })]).toEqual([false, true, true, false])
  })

  it('shares no value of variables', async () => {
    const start = fleetOf()
    await start('A').verifySecret('token', 'A', grace)
    expect(await start('B').getSecret('token')).toBe('B')
  })

  it('accepts it with `autoCleanup` too, which keeps no value', async () => {
    const shared = memorySharedCache()
    const start = (token: string): SecretsManager =>
      createSecretsManager({
        providers: [envProvider({ env: { token }, graceSharedAs: 'payments' })],
        cache: { shared: shared.anotherProcess() },
        autoCleanup: true,
      })
    expect(await start('A').verifySecret('token', 'A', grace)).toBe(true)
    await settled()
    const matches = await Promise.all(['A', 'B', 'C'].map((each) => start('B').verifySecret('token', each, grace)))
    expect(matches).toEqual([true, true, false])
  })

  it('accepts nothing that was withdrawn between', async () => {
    const start = fleetOf()
    await start('A').verifySecret('token', 'A', grace)
    await settled()
    const gone = createSecretsManager({
      providers: [envProvider({ env: {}, graceSharedAs: 'payments' })],
      cache: { shared: latest.anotherProcess() },
    })
    expect(await gone.verifySecret('token', 'A', grace)).toBe(false)
    await settled()
    expect(await start('B').verifySecret('token', 'A', grace)).toBe(false)
  })

  it('accepts nothing that was withdrawn while a later provider answered', async () => {
    const start = fleetOf(byDefault)
    await start('A').verifySecret('token', 'A', grace)
    await settled()
    expect(await start(undefined).verifySecret('token', 'A', grace)).toBe(false)
    await settled()
    const fresh = start('B')
    expect([await fresh.verifySecret('token', 'B', grace), await fresh.verifySecret('token', 'A', grace)]).toEqual([true, false])
  })

  it('accepts the former value of the provider that answers, though an earlier one of the same fleet has none', async () => {
    let token = 'A'
    const start = fleetOf({ ...readOnly('later', async () => ({ value: token })), graceSharedAs: 'payments' })
    for (token of ['A', 'B']) {
      await start(undefined).verifySecret('token', token, grace)
      await settled()
    }
    expect(await start(undefined).verifySecret('token', 'A', grace)).toBe(true)
  })

  it('takes no outage for a withdrawal', async () => {
    const start = fleetOf(byDefault)
    await start('A').verifySecret('token', 'A', grace)
    await settled()
    const outage = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
    const down = { ...readOnly('env', outage), graceSharedAs: 'payments' }
    const cut = createSecretsManager({ providers: [down, byDefault], cache: { shared: latest.anotherProcess() } })
    const answer = cut.verifySecret('token', 'A', { ...grace, acceptDegraded: true })
    await pass(60 * second)
    expect(await answer).toBe(false)
    expect(await start('B').verifySecret('token', 'A', grace)).toBe(true)
  })

  it('keeps its order, though a process verifies with an older value that is still in its memory', async () => {
    let value = 'A'
    const shared = memorySharedCache()
    const provider = { ...readOnly('files', async () => ({ value })), graceSharedAs: 'payments' }
    const start = (ttlSeconds: number): SecretsManager =>
      createSecretsManager({ providers: [provider], cache: { shared: shared.anotherProcess(), ttlSeconds } })
    const behind = start(300)
    await behind.getSecret('token')
    for (value of ['A', 'B']) {
      await start(1).verifySecret('token', value, grace)
      await pass(5 * second)
    }
    expect(await behind.verifySecret('token', 'A', grace)).toBe(true)
    await pass(5 * second)
    value = 'C'
    const fresh = start(1)
    const matches = await Promise.all(['A', 'B', 'C'].map((each) => fresh.verifySecret('token', each, grace)))
    expect(matches).toEqual([false, true, true])
  })

  it('does not wait for a shared cache that hangs if the value is the current one, and else a second for each comparison', async () => {
    const start = fleetOf()
    const hanging = start('B', () => 'hang')
    expect(await hanging.verifySecret('token', 'B', grace)).toBe(true)
    const guess = hanging.verifySecret('token', 'A', grace)
    await pass(2 * second) // the first comparison, and the one after the recheck
    expect(await guess).toBe(false)
  })

  it('matches nothing more while the shared cache fails', async () => {
    const start = fleetOf()
    await start('A').verifySecret('token', 'A', grace)
    await settled()
    const fresh = start('B', () => 'fail')
    expect([await fresh.verifySecret('token', 'A', grace), await fresh.verifySecret('token', 'B', grace)]).toEqual([false, true])
  })
})
