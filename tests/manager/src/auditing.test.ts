import { AsyncLocalStorage } from 'node:async_hooks'
import { createSecretsManager, SecretsError, type AuditEvent, type AuditTrail, type SecretsManager } from '@finchat/secrets-core'
import { faults, leaksOf, managerOperations, memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, type Breakable } from './testing/manager-trial.ts'

const now = 1_800_000_000_000
const canary = 'canary-of-a-value'
beforeEach(() => void vi.useFakeTimers({ now }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const { secrets: held, reads, changes } = managerOperations(canary)

const foreign = (): Error => Object.assign(new Error(`${canary} in a trail`), { body: canary })

type Fault = 'rejects' | 'rejects with an error of its own' | 'throws' | 'hangs'
const failing: Fault[] = ['rejects', 'rejects with an error of its own', 'throws', 'hangs']

/** A trail that fails in this way on events of this phase, and acknowledges the others. */
function trail(fault: Fault, phase: AuditEvent['phase']): AuditTrail {
  const answers: Record<Fault, () => Promise<void>> = {
    rejects: () => Promise.reject(new SecretsError('AUDIT_FAILED', 'refused')),
    'rejects with an error of its own': () => Promise.reject(foreign()),
    throws: () => {
      throw foreign()
    },
    hangs: () => new Promise(() => {}),
  }
  return { specificationVersion: 'v1', record: (event) => (event.phase === phase ? answers[fault]() : Promise.resolve()) }
}

function audited(audit: AuditTrail): Breakable & { secrets: SecretsManager } {
  const store = breakable({ secrets: held })
  const secrets = createSecretsManager({ providers: [store.provider], audit, deadlineMs: 100 })
  return Object.assign(store, { secrets })
}

async function failed(operation: Promise<unknown>): Promise<SecretsError> {
  const error = failureOf(operation)
  await vi.advanceTimersByTimeAsync(100)
  return error
}

describe.each(failing)('a trail that %s', (fault) => {
  it.each(Object.entries(reads))('lets nothing out of %s', async (_, read) => {
    const { secrets } = audited(trail(fault, 'outcome'))
    const error = await failed(read(secrets))
    expect([error.code, error.effect, error.cause]).toEqual(['AUDIT_FAILED', undefined, undefined])
    expect(leaksOf(error, canary)).toEqual([])
    // Nor later, from memory.
    expect((await failed(read(secrets))).code).toBe('AUDIT_FAILED')
  })

  it.each(Object.entries(changes))('on its intent, sends nothing of %s', async (_, change) => {
    const { secrets, provider } = audited(trail(fault, 'intent'))
    const error = await failed(change(secrets))
    expect([error.code, error.effect, provider.calls()]).toEqual(['AUDIT_FAILED', undefined, 0])
    expect(leaksOf(error, canary)).toEqual([])
  })

  it.each(Object.entries(changes))('on its outcome, says of %s that it is done', async (_, change) => {
    const { secrets, provider } = audited(trail(fault, 'outcome'))
    const error = await failed(change(secrets))
    expect([error.code, error.effect, error.secret]).toEqual(['AUDIT_FAILED', 'done', expect.stringMatching(/token|map/)])
    expect(provider.calls()).toBeGreaterThan(0)
    expect(leaksOf(error, canary)).toEqual([])
  })

  it('on the outcome of a write that failed, says what is known of its effect', async () => {
    const effectOf = async (effect: 'unknown' | undefined): Promise<unknown> => {
      const broken = breakable()
      broken.plan = ({ method }) => (method === 'put' ? faults.reject('UNAVAILABLE', { effect }) : undefined)
      const manager = createSecretsManager({ providers: [broken.provider], audit: trail(fault, 'outcome'), deadlineMs: 100 })
      const { code, effect: actual } = await failed(manager.storeSecret('token', 'v', { version: 1 }))
      return [code, actual]
    }
    expect([await effectOf(undefined), await effectOf('unknown')]).toEqual([
      ['AUDIT_FAILED', undefined],
      ['AUDIT_FAILED', 'unknown'],
    ])
  })

  it('keeps a failure and an absence to itself as it does a value', async () => {
    const store = audited(trail(fault, 'outcome'))
    expect((await failed(store.secrets.getSecret('missing'))).code).toBe('AUDIT_FAILED')
    store.plan = () => faults.reject('PERMISSION_DENIED')
    expect((await failed(store.secrets.getSecret('token'))).code).toBe('AUDIT_FAILED')
  })

  it('leaves the batch to the secrets that it acknowledged', async () => {
    const choosy = trail(fault, 'outcome')
    const audit: AuditTrail = {
      ...choosy,
      record: (event, context) => (event.name === 'a' ? Promise.resolve() : choosy.record(event, context)),
    }
    const store = breakable({ secrets: { a: canary, b: canary } })
    const secrets = createSecretsManager({ providers: [store.provider], audit, deadlineMs: 100 })
    const outcomes = secrets.getSecretValues([{ name: 'a' }, { name: 'b' }])
    await vi.advanceTimersByTimeAsync(100)
    expect(await outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'AUDIT_FAILED' } }])
  })
})

describe('a value', () => {
  it.each(Object.entries(reads))('leaves %s only when the trail has acknowledged it', async (_, read) => {
    const acknowledged = Promise.withResolvers<void>()
    const record = vi.fn(() => acknowledged.promise)
    const { secrets } = audited({ specificationVersion: 'v1', record })
    let isOut = false
    const reading = read(secrets).then(() => (isOut = true))
    await vi.advanceTimersByTimeAsync(50)
    expect([isOut, record.mock.calls.length]).toEqual([false, 1])
    acknowledged.resolve()
    await reading
    expect(isOut).toBe(true)
  })

  it('that the caller gives up on while the trail hangs costs the caller nothing more, and its record goes on', async () => {
    const acknowledged = Promise.withResolvers<void>()
    const recorded: AuditEvent[] = []
    const { secrets } = audited({
      specificationVersion: 'v1',
      record: async (event) => (await acknowledged.promise, void recorded.push(event)),
    })
    const controller = new AbortController()
    const reading = codeOf(secrets.getSecret('token', { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(10)
    controller.abort()
    expect([await reading, Date.now() - now]).toEqual(['ABORTED', 10])
    acknowledged.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(recorded).toMatchObject([{ operation: 'get', outcome: 'ok' }])
  })
})

describe('a lease', () => {
  it('that is on no record is not handed out, and the error says that it was made; nothing is, when it is read from memory', async () => {
    const get = vi.fn(async () => ({ value: canary, exclusive: true, expiresAt: now + 3_600_000 }))
    let isDown = true
    const record = async (): Promise<void> => (isDown ? Promise.reject(foreign()) : undefined)
    const audit: AuditTrail = { specificationVersion: 'v1', record }
    const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'vault', get }], audit })
    expect(await failureOf(secrets.getSecret('creds'))).toMatchObject({ code: 'AUDIT_FAILED', effect: 'done' })
    isDown = false
    expect(await secrets.getSecret('creds')).toBe(canary)
    isDown = true
    expect(await failureOf(secrets.getSecret('creds'))).toMatchObject({ code: 'AUDIT_FAILED', effect: undefined })
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('whose intent is on no record stays AUDIT_FAILED on its way through the manager', async () => {
    const get = async (): Promise<never> =>
      Promise.reject(new SecretsError('AUDIT_FAILED', 'the intent could not be recorded, so nothing was sent'))
    const next = memoryProvider({ secrets: { creds: canary } })
    const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'vault', get }, next] })
    expect(await failureOf(secrets.getSecret('creds'))).toMatchObject({ code: 'AUDIT_FAILED', provider: 'vault', effect: undefined })
  })
})

describe('an event', () => {
  it('is recorded of a read whose name the provider cannot locate', async () => {
    const audit = memoryAuditTrail()
    const locate = (): never => {
      throw new TypeError(canary)
    }
    const secrets = createSecretsManager({ providers: [{ ...memoryProvider(), locate }], audit })
    expect(await codeOf(secrets.getSecret('token'))).toBe('INTERNAL')
    expect(audit.events()).toMatchObject([{ operation: 'get', name: 'token', outcome: 'error', code: 'INTERNAL' }])
  })

  it.each(Object.entries(reads))('of %s tells who, what, where from and how it ended', async (key, read) => {
    const audit = memoryAuditTrail()
    const { secrets } = audited(audit)
    await read(secrets, { actor: 'webapp', requestId: 'r-1' })
    const events = audit.events()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ phase: 'outcome', time: now, outcome: 'ok', durationMs: 0, actor: 'webapp', requestId: 'r-1' })
    expect(events[0]).toMatchObject(
      key === 'listSecrets' ? { operation: 'list' } : { name: 'token', provider: 'memory', version: 1, revision: expect.any(String) },
    )
    expect(leaksOf(events, canary)).toEqual([])
  })

  it.each(Object.entries(changes))('of %s comes before it, and after it', async (_, change) => {
    const audit = memoryAuditTrail()
    const { secrets, provider } = audited(audit)
    const atIntent: number[] = []
    vi.spyOn(audit, 'record').mockImplementationOnce(
      async (event, context) => (atIntent.push(provider.calls()), audit.record(event, context)),
    )
    await change(secrets, { actor: 'webapp', requestId: 'r-1' })
    const [intent, outcome, ...others] = audit.events()
    expect([atIntent, others]).toEqual([[0], []])
    expect(intent).toMatchObject({
      phase: 'intent',
      time: now,
      name: expect.stringMatching(/token|map/),
      actor: 'webapp',
      requestId: 'r-1',
    })
    expect(intent?.outcome).toBeUndefined()
    expect(outcome).toMatchObject({
      phase: 'outcome',
      operation: intent?.operation,
      name: intent?.name,
      outcome: 'ok',
      provider: 'memory',
      actor: 'webapp',
      requestId: 'r-1',
    })
    expect(leaksOf(audit.events(), canary)).toEqual([])
  })

  it('of a write tells which version it made', async () => {
    const audit = memoryAuditTrail()
    const { secrets } = audited(audit)
    await secrets.rotateSecret('token', 'v2')
    expect(audit.events()).toMatchObject([{ operation: 'rotate' }, { operation: 'rotate', version: 2, revision: expect.any(String) }])
  })

  it.each([...Object.entries(reads), ...Object.entries(changes)])(
    'of %s that failed tells the code, and what it cost',
    async (_, operation) => {
      const audit = memoryAuditTrail()
      const broken = breakable()
      broken.plan = () => async () => {
        await new Promise((resolve) => setTimeout(resolve, 30))
        throw foreign()
      }
      const manager = createSecretsManager({ providers: [broken.provider], audit })
      expect((await failed(operation(manager))).code).toBe('INTERNAL')
      expect(audit.events().at(-1)).toMatchObject({ phase: 'outcome', outcome: 'error', code: 'INTERNAL' })
      expect(leaksOf(audit.events(), canary)).toEqual([])
    },
  )

  it('is recorded of a look at the health of the stores, which names no secret', async () => {
    const audit = memoryAuditTrail()
    const { secrets } = audited(audit)
    await secrets.checkHealth({ actor: 'probe' })
    expect(audit.events()).toMatchObject([{ phase: 'outcome', operation: 'health', name: '*', outcome: 'ok', actor: 'probe' }])
  })

  it('is recorded of every read from memory too', async () => {
    const audit = memoryAuditTrail()
    const { secrets, provider } = audited(audit)
    for (let count = 0; count < 3; count++) await secrets.getSecret('token')
    expect(audit.events().map(({ from }) => from)).toEqual(['store', 'memory', 'memory'])
    expect(provider.calls('get')).toBe(1)
  })

  it('is recorded of every secret of a batch, each time that it is asked for', async () => {
    const audit = memoryAuditTrail()
    const { secrets } = audited(audit)
    await secrets.getSecretValues([{ name: 'token' }, { name: 'token' }, { name: 'missing' }], { actor: 'me' })
    expect(audit.events()).toMatchObject([
      { operation: 'get', name: 'token', outcome: 'ok', actor: 'me' },
      { operation: 'get', name: 'token', outcome: 'ok', actor: 'me' },
      { operation: 'get', name: 'missing', outcome: 'error', code: 'NOT_FOUND', actor: 'me' },
    ])
  })

  it('is recorded of each of those who wait for the same call, in the context of its own caller', async () => {
    const context = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const { secrets } = audited({
      specificationVersion: 'v1',
      record: async ({ phase }) => void seen.push(`${phase} ${context.getStore()}`),
    })
    await Promise.all(['ann', 'ben'].map((user) => context.run(user, () => secrets.getSecret('token'))))
    await context.run('cat', () => secrets.rotateSecret('token', 'v2'))
    await context.run('dan', () => secrets.getSecrets(['token', 'map']).catch(() => {}))
    expect(seen).toEqual(['outcome ann', 'outcome ben', 'intent cat', 'outcome cat', 'outcome dan', 'outcome dan'])
  })

  it('is not recorded of what was refused before anything was asked', async () => {
    const audit = memoryAuditTrail()
    const { secrets, provider } = audited(audit)
    await codeOf(secrets.getSecret('../token'))
    await codeOf(secrets.storeSecret('token', '\ud800'))
    await secrets.close()
    await codeOf(secrets.getSecret('token'))
    expect([audit.events(), provider.calls('get')]).toEqual([[], 0])
  })
})
