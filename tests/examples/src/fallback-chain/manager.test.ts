import { setTimeout as sleep } from 'node:timers/promises'
import { SecretNotFoundError, type SecretsManager } from '@finchat/secrets-core'
import { tokenAuth } from '@finchat/secrets-provider-vault'
import { startMoto } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { awsAt, type LiveStores, sharedNames, startLiveStores } from './live-stores.ts'
import {
  answer,
  codeOf,
  expectAtMostDeadlines,
  expectAtMostPatience,
  expectAtOnce,
  expectDeadlines,
  expectPatience,
  expectUnknown,
  failure,
  healthOf,
  whatEachSaid,
} from './testing/observations.ts'

/**
 * After five failures in a row a provider is not called for at most this long; then one read probes
 * it.
 */
const coolDownMs = 3_000
/** While the report of health is the same. */
const reportMs = 10_000
/** And one secret, after a first failure, for at most this long. */
const backOffMs = 500
/** A cached value is fresh for at most this long, and stale for as long again during an outage. */
const ttlMs = 300_000

describeWithServer(['moto', 'openbao'], 'AWS, then Vault, then a local store, then the environment', () => {
  let stores: LiveStores
  beforeAll(async () => void (stores = await startLiveStores()), 60_000)
  afterAll(() => stores.stop())

  /** How far the clock of this process is put forward, where a test would have to wait. */
  let aheadMs = 0
  const later = (ms: number): void => void (aheadMs += ms)
  let names: IterableIterator<string>
  let warnings: string[]
  beforeEach(() => {
    names = sharedNames.values()
    warnings = []
    aheadMs = 0
    const { now } = Date
    vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await stores.mend()
  })

  /** A secret that all four stores hold, and that this manager has not read before. */
  const unread = (): string => names.next().value ?? expect.fail('more secrets are read than there are')

  /** A manager as the service opens it, logged in everywhere. */
  async function opened(otherwise?: Parameters<LiveStores['open']>[0]): Promise<SecretsManager> {
    const secrets = stores.open(otherwise)
    onTestFinished(() => secrets.close())
    expect(await healthOf(secrets)).toEqual({ aws: 'ok', vault: 'ok', local: 'ok', env: 'ok' })
    later(reportMs) // the report is made anew
    return secrets
  }

  test('with every store well the first that has a secret answers, and what none has does not exist', async () => {
    const secrets = await opened()
    expect(await answer(secrets, unread())).toBe('aws')
    for (const store of ['aws', 'vault', 'local', 'env']) expect(await answer(secrets, `only/${store}`)).toBe(store)
    await expect(secrets.getSecret('absent')).rejects.toThrow(SecretNotFoundError)
    expect(await whatEachSaid(secrets, 'absent')).toBe('NOT_FOUND (aws: NOT_FOUND, vault: NOT_FOUND, local: NOT_FOUND, env: NOT_FOUND)')
    expect(await secrets.verifySecret('absent', 'guess')).toBe(false)
    expect(warnings).toEqual([])
  })

  test('AWS throttled: Vault answers, degraded, and each secret is asked of AWS again when AWS said to come back', async () => {
    const secrets = await opened()
    const [held, missed] = [unread(), unread()]
    expect(await answer(secrets, held)).toBe('aws')
    stores.aws.plan({ error: 'ThrottlingException', retryAfterSeconds: 30 })

    expect(await answer(secrets, held)).toBe('aws') // from memory, and fresh
    await expectAtMostDeadlines(1, async () => expect(await answer(secrets, missed)).toBe('vault, degraded'))
    expect(warnings).toEqual([expect.stringContaining("'aws' cannot be asked (RATE_LIMITED)")])
    const [said, health, created, rotated] = await Promise.all([
      whatEachSaid(secrets, 'absent'),
      healthOf(secrets),
      failure(secrets.storeSecret('created', 'value')),
      failure(secrets.rotateSecret(missed, 'vault')),
      expectUnknown(secrets, 'missing'),
    ])
    expect(said).toBe('UNAVAILABLE (aws: RATE_LIMITED, vault: NOT_FOUND, local: NOT_FOUND, env: NOT_FOUND)')
    expect(health).toEqual({ aws: 'RATE_LIMITED', vault: 'ok', local: 'ok', env: 'ok' })
    expect([created.code, created.provider, created.effect]).toEqual(['RATE_LIMITED', 'aws', undefined])
    expect(rotated.code).toBe('UNAVAILABLE')

    stores.aws.plan('pass')
    const before = stores.aws.requests()
    expect(await answer(secrets, missed)).toBe('vault, degraded')
    expect(stores.aws.requests()).toBe(before)
    expect(await answer(secrets, unread())).toBe('aws') // throttling of one secret says nothing of another
    later(30_000)
    expect(await answer(secrets, missed)).toBe('aws')
    await expect(secrets.getSecret('created')).rejects.toThrow(SecretNotFoundError) // nothing fell through to another store
  })

  test('AWS refuses connections: Vault answers at once, and AWS is asked again after the cool-down, by one read', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999) // the longest cool-down
    const secrets = await opened()
    await stores.aws.port.refuse()
    for (let reads = 0; reads < 6; reads += 1) {
      await expectAtOnce(async () => expect(await answer(secrets, unread())).toBe('vault, degraded'))
    }
    expect(await whatEachSaid(secrets, 'absent')).toBe('UNAVAILABLE (aws: UNAVAILABLE, vault: NOT_FOUND, local: NOT_FOUND, env: NOT_FOUND)')
    await expectUnknown(secrets, 'absent')
    expect(await healthOf(secrets)).toEqual({ aws: 'UNAVAILABLE', vault: 'ok', local: 'ok', env: 'ok' })
    const refused = await failure(secrets.storeSecret('created', 'value'))
    expect([refused.code, refused.provider, refused.effect]).toEqual(['UNAVAILABLE', 'aws', undefined])

    await stores.aws.port.accept()
    const before = stores.aws.requests()
    expect(await answer(secrets, unread())).toBe('vault, degraded')
    expect(stores.aws.requests()).toBe(before)
    later(coolDownMs)
    expect(await answer(secrets, unread())).toBe('aws')
    expect(stores.aws.requests()).toBe(before + 1)
    later(reportMs)
    expect(await healthOf(secrets)).toEqual({ aws: 'ok', vault: 'ok', local: 'ok', env: 'ok' })
    expect(await secrets.storeSecret('created', 'aws')).toMatchObject({ provider: 'aws', version: 1 })
    expect(await answer(secrets, 'created')).toBe('aws')
  })

  test('AWS hangs: it costs its deadline and no more, once for all who wait, and then nothing', async () => {
    const secrets = await opened()
    stores.aws.plan('hang')
    await expectDeadlines(1, async () => expect(await answer(secrets, unread())).toBe('vault, degraded'))
    await expectDeadlines(1, async () => {
      const reads = Array.from({ length: 5 }, async () => expect(await answer(secrets, unread())).toBe('vault, degraded'))
      const [health, { attempts }] = await Promise.all([healthOf(secrets), failure(secrets.getSecret('absent')), ...reads])
      expect(health).toEqual({ aws: 'DEADLINE_EXCEEDED', vault: 'ok', local: 'ok', env: 'ok' })
      expect(attempts?.[0]).toMatchObject({ provider: 'aws', code: 'DEADLINE_EXCEEDED' })
    })

    const before = stores.aws.requests()
    await expectAtOnce(async () => {
      expect(await answer(secrets, unread())).toBe('vault, degraded')
      expect(Object.keys(await secrets.getSecrets([unread(), unread()]))).toHaveLength(2)
    })
    expect(stores.aws.requests()).toBe(before) // it is left alone
    // verifySecret asks twice, since the presented secret may just have been written.
    await expectAtMostDeadlines(2, async () => {
      const stored = failure(secrets.storeSecret('unsure', 'value'))
      await expectUnknown(secrets, 'absent')
      expect(await stored).toMatchObject({ code: 'DEADLINE_EXCEEDED', provider: 'aws' })
    })

    later(coolDownMs)
    await expectPatience(async () => {
      const probe = answer(secrets, unread())
      await expectAtOnce(async () => expect(await answer(secrets, unread())).toBe('vault, degraded')) // one read tries AWS, and no other
      expect(await probe).toBe('vault, degraded')
    })
    stores.aws.plan('pass')
    later(coolDownMs)
    expect(await answer(secrets, unread())).toBe('aws')
  })

  test('a batch asked of an AWS that hangs costs one deadline too', async () => {
    const secrets = await opened()
    stores.aws.plan('hang')
    const requests = sharedNames.map((name) => ({ name }))
    await expectDeadlines(1, async () => {
      const results = await secrets.getSecretValues([...requests, { name: 'absent' }])
      const found = results.flatMap((result) =>
        result.status === 'fulfilled' ? [`${result.value.provider} ${result.value.degraded}`] : [],
      )
      expect(found).toEqual(sharedNames.map(() => 'vault true'))
      expect(results.at(-1)).toMatchObject({ reason: { code: 'UNAVAILABLE' } })
    })
  })

  test("AWS's server is gone: what it last said is preferred, stale, to what a weaker store says", async () => {
    const moto = await startMoto()
    onTestFinished(moto.stop)
    const secrets = await opened({ aws: awsAt(moto.url) })
    await secrets.storeSecret('token', 'aws')
    expect(await answer(secrets, 'token')).toBe('aws')
    moto.signal('SIGKILL')

    later(ttlMs)
    expect(await answer(secrets, 'token')).toBe('aws, stale')
    expect(await secrets.verifySecret('token', 'aws')).toBe(true)
    expect(await answer(secrets, unread())).toBe('vault, degraded')
    expect(await codeOf(secrets.rotateSecret('token', 'next'))).toBe('UNAVAILABLE')
    later(ttlMs)
    expect(await whatEachSaid(secrets, 'token')).toBe('UNAVAILABLE (aws: UNAVAILABLE, vault: NOT_FOUND, local: NOT_FOUND, env: NOT_FOUND)')
    expect(warnings).toHaveLength(1)
  })

  test('Vault sealed while AWS is down: the local store answers, then the environment; each store is back as soon as it is well', async () => {
    const secrets = await opened()
    const [first, second] = [unread(), unread()]
    await stores.aws.port.refuse()
    await stores.vault.api('PUT', 'sys/seal')
    await expectAtOnce(async () => {
      expect(await answer(secrets, first)).toBe('local, degraded')
      expect(await answer(secrets, 'only/env')).toBe('env, degraded')
    })
    expect(await whatEachSaid(secrets, 'only/vault')).toBe(
      'UNAVAILABLE (aws: UNAVAILABLE, vault: UNAVAILABLE, local: NOT_FOUND, env: NOT_FOUND)',
    )
    await expectUnknown(secrets, 'absent')
    const { providers } = await secrets.checkHealth()
    expect(providers['aws']).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('refuses connections') })
    expect(providers['vault']).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('unseal it') })
    expect(warnings).toHaveLength(2)
    expect(await codeOf(secrets.verifySecret(first, 'local'))).toBe('UNAVAILABLE')
    expect(await secrets.verifySecret(first, 'local', { acceptDegraded: true })).toBe(true)
    for (const provider of ['vault', 'local']) {
      const { code, effect } = await failure(secrets.storeSecret('written', 'value', { provider }))
      expect([code, effect]).toEqual(['UNAVAILABLE', undefined])
    }

    await stores.vault.api('PUT', 'sys/unseal', { key: stores.vault.unsealKey })
    later(coolDownMs)
    expect(await answer(secrets, second)).toBe('vault, degraded')
    await stores.aws.port.accept()
    later(coolDownMs + backOffMs)
    for (const name of [first, second]) expect(await answer(secrets, name)).toBe('aws')
    await expect(secrets.getSecret('written')).rejects.toThrow(SecretNotFoundError)
  })

  test('Vault stopped behind an AWS that is well: only what AWS has not waits for it, and only until its deadline', async () => {
    const secrets = await opened()
    stores.vault.signal('SIGSTOP')
    await expectAtOnce(async () => expect(await answer(secrets, unread())).toBe('aws'))
    expect(await secrets.rotateSecret(unread(), 'aws')).toMatchObject({ provider: 'aws', version: 2 })
    await expectDeadlines(1, async () => expect(await answer(secrets, 'only/local')).toBe('local, degraded'))
    await expectUnknown(secrets, 'absent')

    stores.vault.signal('SIGCONT')
    later(coolDownMs)
    expect(await answer(secrets, 'only/vault')).toBe('vault')
    expect(await answer(secrets, 'only/local')).toBe('local')
  })

  test('both hang: a read costs the one deadline and then the other, and after five no read waits for a deadline', async () => {
    const secrets = await opened()
    stores.aws.plan('hang')
    stores.vault.signal('SIGSTOP')
    await expectDeadlines(2, async () => {
      const reads = Array.from({ length: 5 }, async () => expect(await answer(secrets, unread())).toBe('local, degraded'))
      await Promise.all([...reads, expect(secrets.getSecret('absent')).rejects.toMatchObject({ code: 'UNAVAILABLE' })])
    })
    for (const _ of [1, 2]) await expectAtMostPatience(2, async () => expect(await answer(secrets, unread())).toBe('local, degraded'))

    stores.vault.signal('SIGCONT')
    later(coolDownMs)
    await expectPatience(async () => expect(await answer(secrets, unread())).toBe('vault, degraded'))
    stores.aws.plan('pass')
    later(coolDownMs)
    expect(await answer(secrets, unread())).toBe('aws')
  })

  test('a Vault that refuses, denies or withdrew is no outage: the chain stops there, whatever weaker stores hold', async () => {
    const secrets = await opened()
    const [denied, withdrawn] = [unread(), unread()]
    await stores.aws.port.refuse()
    await stores.vault.api('DELETE', `secret/data/${withdrawn}`)
    onTestFinished(() => stores.vault.api('POST', `secret/undelete/${withdrawn}`, { versions: [1] }))
    expect(await failure(secrets.getSecret(withdrawn))).toMatchObject({ code: 'DELETED', provider: 'vault' })
    await stores.allow('list')
    expect(await failure(secrets.getSecret(denied))).toMatchObject({ code: 'PERMISSION_DENIED', provider: 'vault' })
    await stores.allow('read')
    later(backOffMs)
    expect(await answer(secrets, denied)).toBe('vault, degraded')

    const stranger = stores.open({ vault: { url: stores.vault.url, auth: tokenAuth('hvs.unknown') } })
    onTestFinished(() => stranger.close())
    expect(await failure(stranger.getSecret(unread()))).toMatchObject({ code: 'UNAUTHENTICATED', provider: 'vault' })
    const loggedOut = stores.open({ vault: { url: stores.vault.url } })
    onTestFinished(() => loggedOut.close())
    expect(await answer(loggedOut, unread())).toBe('local, degraded') // no credential is configured, so nothing was learnt
  })

  test('under load, while one store after another fails and comes back, no read fails and nothing is claimed absent', async () => {
    const secrets = stores.open({}, { ttlSeconds: 0, maxStaleSeconds: 0 }) // every read asks the stores
    onTestFinished(() => secrets.close())
    const seen: string[] = []
    const load = new AbortController()
    const readers = Array.from({ length: 6 }, unread).map(async (name) => {
      for (; !load.signal.aborted; await sleep(10)) seen.push(await answer(secrets, name).catch(String))
    })
    const showing = async (change: () => unknown, expected: string): Promise<void> => {
      await change()
      later(coolDownMs) // of what failed before
      const before = seen.length
      await expect.poll(() => seen.slice(before)).toContain(expected)
      expect(await codeOf(secrets.getSecret('absent'))).toBe('UNAVAILABLE')
    }
    await showing(() => stores.aws.plan({ error: 'ThrottlingException' }), 'vault, degraded')
    await showing(() => stores.aws.port.refuse(), 'vault, degraded')
    await showing(() => stores.vault.api('PUT', 'sys/seal'), 'local, degraded')
    await showing(() => stores.vault.api('PUT', 'sys/unseal', { key: stores.vault.unsealKey }), 'vault, degraded')
    await showing(() => stores.vault.signal('SIGSTOP'), 'local, degraded')
    await stores.mend()
    later(coolDownMs)
    await expect.poll(() => seen.at(-1)).toBe('aws')
    load.abort()
    await Promise.all(readers)
    expect(new Set(seen)).toEqual(new Set(['aws', 'vault, degraded', 'local, degraded']))
  })
})
