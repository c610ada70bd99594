import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import type { GuardOptions } from './guard.ts'
import { OutageWarning } from './outage-warning.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { guardTrial } from '../testing/guard-trial.ts'
import { refusal } from '../testing/refusal.ts'

const canary = 'canary-c3d8'
const context: CallContext = { signal: new AbortController().signal }
const coolDownMs = 3_000

const { guarded, closeManager } = guardTrial()

function hung(): Promise<never> {
  return new Promise(() => {})
}

describe('a guarded provider', () => {
  it("returns the provider's answer, and passes the context on", async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v', version: 1 }))
    expect(await guarded({ get }).get('a', { ...context, fresh: true })).toEqual({ value: 'v', version: 1 })
    expect(get).toHaveBeenCalledWith('a', expect.objectContaining({ fresh: true }))
    expect(await guarded({}).get('a', context)).toBeUndefined()
  })

  it("ends by its deadline, and aborts the provider's signal", async () => {
    let signal: AbortSignal | undefined
    const call = refusal(guarded({ get: (_, given) => ((signal = given.signal), hung()) }).get('a', context))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await call).toMatchObject({ code: 'DEADLINE_EXCEEDED', provider: 'p' })
    expect(signal?.aborted).toBe(true)
  })

  it("ends by the caller's abort, and when the manager is closed", async () => {
    const caller = new AbortController()
    const calls = [guarded({ get: hung }).get('a', { signal: caller.signal }), guarded({ get: hung }).get('a', context)].map(refusal)
    caller.abort()
    closeManager()
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED'])
  })

  it.each([
    ['an error of a library', Object.assign(new Error(canary), { config: { headers: { token: canary } } }), 'an Error'],
    ['a TypeError', new TypeError(canary), 'a TypeError'],
    ['an error whose name tells the secret', Object.assign(new Error('x'), { name: canary }), 'an error of its own'],
    ['text', canary, 'something'],
    ['nothing', undefined, 'something'],
  ])('keeps only the kind of %s', async (_, thrown, kind) => {
    const get: SecretProvider['get'] = async () => Promise.reject(thrown)
    const error = await refusal(guarded({ get }).get('a', context))
    expect(error).toMatchObject({
      code: 'INTERNAL',
      provider: 'p',
      message: expect.stringContaining(`failed with ${kind} instead of a SecretsError`),
    })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(canary)
    expect(error.cause).toBeUndefined()
  })

  it("passes a SecretsError on by its allowlist, with the provider's name", async () => {
    const thrown = Object.assign(new SecretsError('PERMISSION_DENIED', 'denied', { storeStatus: '403' }), {
      cause: new Error(canary),
      request: canary,
    })
    const error = await refusal(guarded({ get: async () => Promise.reject(thrown) }).get('a', context))
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', storeStatus: '403', provider: 'p' })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(canary)
  })

  it("escapes line breaks and invisible characters of a provider's text", async () => {
    const text = "x\nSecret 'a' not found\r\n\u2028\u202e\u001b[2K"
    const thrown = new SecretsError('UNAVAILABLE', text, {
      remedy: text,
      storeStatus: text,
      attempts: [{ provider: text, code: 'UNAVAILABLE', durationMs: 0, message: text, remedy: text }],
    })
    const getMany: SecretProvider['getMany'] = async () => [
      { status: 'rejected', reason: thrown },
      { status: 'rejected', reason: thrown },
    ]
    const provider = guarded({ get: async () => Promise.reject(thrown), getMany })
    const [many] = (await provider.getMany?.(['a', 'b'], context)) ?? []
    for (const error of [await refusal(provider.get('a', context)), many?.status === 'rejected' ? many.reason : undefined]) {
      expect(error.message).toContain("x\\nSecret 'a' not found")
      expect([error.message, error.remedy, error.attempts[0].message].join()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }
  })

  it("does not let a provider's NOT_FOUND stand for the whole chain", async () => {
    const error = await refusal(guarded({ get: async () => Promise.reject(new SecretsError('NOT_FOUND', 'none here')) }).get('a', context))
    expect(error).toMatchObject({ code: 'INTERNAL', remedy: 'its get() must resolve to undefined instead' })
  })

  it("replaces a provider's ABORTED, which only core may use", async () => {
    const error = await refusal(guarded({ get: async () => Promise.reject(new SecretsError('ABORTED', 'x')) }).get('a', context))
    expect(error).toMatchObject({ code: 'INTERNAL', problem: 'the provider rejected with ABORTED', remedy: expect.any(String) })
  })

  it('passes on AUDIT_FAILED of a lease, with its effect', async () => {
    const unrecorded = new SecretsError('AUDIT_FAILED', 'the outcome could not be recorded', { effect: 'done' })
    const error = await refusal(guarded({ get: async () => Promise.reject(unrecorded) }).get('a', context))
    expect(error).toMatchObject({ code: 'AUDIT_FAILED', effect: 'done', problem: 'the outcome could not be recorded' })
  })

  it('passes on NOT_FOUND of a call that needs an existing secret', async () => {
    const missing = async (): Promise<never> => Promise.reject(new SecretsError('NOT_FOUND', 'none here'))
    const provider = guarded({ tag: missing, delete: missing, restore: missing, describe: missing })
    const calls = [
      provider.tag?.('a', {}, context),
      provider.delete?.('a', { purge: true }, context),
      provider.restore?.('a', context),
      provider.describe?.('a', context),
    ]
    expect((await Promise.all(calls.map(refusal))).map(({ code }) => code)).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'INTERNAL'])
  })

  it.each([RangeError, SyntaxError, ReferenceError, AggregateError, EvalError])(
    'tells a known kind of error from others: %o',
    async (Kind) => {
      const thrown = Kind === AggregateError ? new AggregateError([], canary) : new (Kind as ErrorConstructor)(canary)
      const { message } = await refusal(guarded({ get: async () => Promise.reject(thrown) }).get('a', context))
      expect(message).toContain(Kind === EvalError ? 'an error of its own' : `${Kind === AggregateError ? 'an' : 'a'} ${Kind.name}`)
    },
  )

  it.each([
    ['AbortError', 'an AbortError'],
    ['TimeoutError', 'a TimeoutError'],
  ])('names the kind of a DOMException: %s', async (name, kind) => {
    const get: SecretProvider['get'] = async () => Promise.reject(new DOMException(canary, name))
    expect((await refusal(guarded({ get }).get('a', context))).message).toContain(`failed with ${kind} instead`)
  })

  const malformed: readonly unknown[] = [
    null,
    'v',
    {},
    { value: 5 },
    { value: { token: canary } },
    { value: null },
    { value: 'v', version: 0 },
    { value: 'v', version: 1.5 },
    { value: 'v', version: '1' },
    { value: 'v', expiresAt: 'soon' },
    { value: 'v', expiresAt: NaN },
    { value: 'v', currentNotBefore: 'soon' },
  ]

  it.each(malformed)('refuses %j, which is not a secret', async (answer) => {
    const error = await refusal(guarded({ get: async () => answer as StoredSecret }).get('a', context))
    expect([error.code, error.problem]).toEqual(['INTERNAL', 'the provider answered what is not a secret'])
    expect(error.message).not.toContain(canary)
  })

  it('checks a pending version like a current one', async () => {
    const unused = async (): Promise<never> => Promise.reject(new Error('unused'))
    const get = async (): Promise<StoredSecret> => ({ value: 5 }) as unknown as StoredSecret // what a careless author answers
    const provider = guarded({ staging: { put: unused, get, promote: unused, discard: unused } })
    expect(await refusal(provider.staging?.get('a', context))).toMatchObject({ problem: 'the provider answered what is not a secret' })
  })

  it('passes on what a staged version and its receipt tell, and nothing else', async () => {
    const told = { value: 'v', version: 2, attempt: 7, stagedAt: 5, note: { by: 'rotator' } }
    const unused = async (): Promise<never> => Promise.reject(new Error('unused'))
    const staging = {
      put: async () => ({ version: 2, attempt: 7, note: canary }),
      get: async () => ({ ...told, note: { by: 'rotator', more: 5 as unknown as string }, extra: canary }),
      promote: unused,
      discard: unused,
    }
    const provider = guarded({ staging })
    expect(await provider.staging?.get('a', context)).toEqual({ ...told, shape: undefined })
    expect(await provider.staging?.put('a', { value: 'v' }, context)).toEqual({ version: 2, attempt: 7 })
  })

  it.each([{ attempt: 0 }, { attempt: 1.5 }, { attempt: '7' }, { stagedAt: NaN }, { stagedAt: 'now' }])(
    'refuses a staged version with %j',
    async (wrong) => {
      const unused = async (): Promise<never> => Promise.reject(new Error('unused'))
      const get = async (): Promise<StoredSecret> => ({ value: 'v', ...(wrong as object) })
      const provider = guarded({ staging: { put: unused, get, promote: unused, discard: unused } })
      expect(await refusal(provider.staging?.get('a', context))).toMatchObject({ code: 'INTERNAL' })
    },
  )

  it('keeps only the identity of a probe', async () => {
    const careless = { revision: 'r', value: canary }
    const provider = guarded({ probe: async (path) => (path === 'none' ? undefined : careless) })
    expect(await provider.probe?.('a', context)).toEqual({ revision: 'r' })
    expect(await provider.probe?.('none', context)).toBeUndefined()
  })

  it('does not probe, nor read what is staged, while its circuit is open', async () => {
    const down = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
    const asked = vi.fn<() => Promise<never>>(down)
    const provider = guarded({ probe: asked, staging: { put: down, get: asked, promote: down, discard: down } })
    for (let n = 1; n <= 5; n += 1) await refusal(provider.probe?.(`path ${n}`, context))
    expect(asked).toHaveBeenCalledTimes(5)
    for (const call of [provider.probe?.('a', context), provider.staging?.get('a', context)])
      expect(await refusal(call)).toMatchObject({ code: 'UNAVAILABLE' })
    expect(asked).toHaveBeenCalledTimes(5)
  })

  it('refuses a secret that has expired', async () => {
    const get: SecretProvider['get'] = async () => ({ value: 'v', expiresAt: Date.now() })
    expect(await refusal(guarded({ get }).get('a', context))).toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('refuses a version other than the requested one, and accepts any for previous', async () => {
    const provider = guarded({ getVersion: async (path) => (path === 'none' ? undefined : { value: 'v', version: 4 }) })
    expect(await refusal(provider.getVersion?.('a', 3, context))).toMatchObject({ code: 'INTERNAL' })
    expect(await provider.getVersion?.('a', 4, context)).toMatchObject({ version: 4 })
    expect(await provider.getVersion?.('a', 'previous', context)).toMatchObject({ version: 4 })
    expect(await provider.getVersion?.('none', 3, context)).toBeUndefined()
  })

  it('checks each answer of a batch by itself', async () => {
    const getMany: SecretProvider['getMany'] = async () => [
      { status: 'fulfilled', value: { value: 'v' } },
      { status: 'fulfilled', value: undefined },
      { status: 'fulfilled', value: {} as StoredSecret },
      { status: 'rejected', reason: new Error(canary) },
      { status: 'rejected', reason: new SecretsError('DELETED', 'gone') },
    ]
    const answers = await guarded({ getMany }).getMany?.(['a', 'b', 'c', 'd', 'e'], context)
    expect(answers?.slice(0, 2)).toEqual([
      { status: 'fulfilled', value: { value: 'v' } },
      { status: 'fulfilled', value: undefined },
    ])
    const reasons = answers?.slice(2).map((answer) => (answer.status === 'rejected' ? answer.reason : undefined))
    expect(reasons).toMatchObject([{ code: 'INTERNAL' }, { code: 'INTERNAL' }, { code: 'DELETED', provider: 'p' }])
    expect(inspect(reasons, { depth: 9 })).not.toContain(canary)
  })

  it.each([[undefined], [{}], [[]], [[{ status: 'fulfilled', value: undefined }]], [[null, null]]])(
    'refuses the batch %j for two paths',
    async (answer) => {
      const provider = guarded({ getMany: (async () => answer) as unknown as NonNullable<SecretProvider['getMany']> }) // what a careless author answers
      const [first] =
        (await provider.getMany?.(['a', 'b'], context).catch((error: unknown) => [{ status: 'rejected', reason: error }] as const)) ?? []
      expect(first).toMatchObject({ status: 'rejected', reason: { code: 'INTERNAL', provider: 'p' } })
    },
  )

  const absent = { status: 'fulfilled', value: undefined }
  const gaps: Readonly<Record<string, () => unknown>> = {
    'holes alone': () => Array(2),
    'a hole before an answer': () => Object.assign(Array(2), { 1: absent }),
    'a hole behind an answer': () => Object.assign(Array(2), { 0: absent }),
    'a deleted entry': () => {
      const answer = [absent, absent]
      Reflect.deleteProperty(answer, 0)
      return answer
    },
    'undefined entries': () => [undefined, undefined],
    'null entries': () => [null, absent],
    'a status that is inherited': () => [Object.create(absent), absent],
    'a value that is inherited': () => [Object.assign(Object.create({ value: undefined }), { status: 'fulfilled' }), absent],
    'no value': () => [{ status: 'fulfilled' }, absent],
    'no status': () => [{ value: undefined }, absent],
    'another status': () => [{ ...absent, status: 'pending' }, absent],
    'the secret itself': () => [{ value: 'v' }, absent],
    promises: () => [Promise.resolve(), absent],
    'a rejection without a reason': () => [{ status: 'rejected' }, absent],
    'a length that lies': () => new Proxy([absent], { get: (target, key) => (key === 'length' ? 2 : Reflect.get(target, key)) }),
    'entries of the prototype': () => Object.setPrototypeOf(Array(2), [absent, absent]),
  }

  it.each(Object.entries(gaps))('never takes a gap of a batch for "no such secret": %s', async (_, answer) => {
    const provider = guarded({ getMany: (async () => answer()) as unknown as NonNullable<SecretProvider['getMany']> }) // what a careless author answers
    const results = (await provider.getMany?.(['a', 'b'], context)) ?? []
    expect(results).toHaveLength(2)
    expect(results.filter(({ status }) => status === 'rejected')).not.toEqual([])
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'INTERNAL', provider: 'p' })
      else expect(result).toEqual(absent)
    }
    expect(inspect(results, { depth: 9 })).not.toContain(canary)
  })

  it('treats an unreadable batch as a failure, without showing it', async () => {
    const answer = new Proxy([absent, absent], {
      get: (target, key) => {
        if (key === 'then') return undefined
        throw new Error(canary + target.length)
      },
    })
    const error = await refusal(guarded({ getMany: async () => answer as never }).getMany?.(['a', 'b'], context)) // of a careless author
    expect(error).toMatchObject({ code: 'INTERNAL', provider: 'p' })
    expect(inspect(error, { depth: 9 })).not.toContain(canary)
  })

  it.each([['ab'], [{ 0: absent, 1: absent, length: 2 }], [new Set([absent, absent])]])('takes no %j for a batch', async (answer) => {
    const provider = guarded({ getMany: (async () => answer) as unknown as NonNullable<SecretProvider['getMany']> }) // likewise
    expect(await refusal(provider.getMany?.(['a', 'b'], context))).toMatchObject({ code: 'INTERNAL', provider: 'p' })
  })

  it.each([[undefined], [{}], [[]], ['ab']])('refuses the batch %j', async (answer) => {
    const provider = guarded({ getMany: (async () => answer) as unknown as NonNullable<SecretProvider['getMany']> }) // likewise
    expect((await refusal(provider.getMany?.(['a', 'b'], context))).problem).toBe(
      'the provider answered another number of secrets than asked for',
    )
  })

  it('does not bound close', async () => {
    closeManager()
    const close = vi.fn<NonNullable<SecretProvider['close']>>(async () => {})
    await guarded({ close }).close?.(context)
    expect(close).toHaveBeenCalledWith(context)
  })
})

describe('the effect of a write that failed', () => {
  const put = (code: SecretsError['code'], effect?: 'done'): SecretProvider =>
    guarded({ put: async () => Promise.reject(new SecretsError(code, 'x', { effect })) })

  it.each([
    ['INTERNAL', 'unknown'],
    ['ABORTED', 'unknown'],
    ['DEADLINE_EXCEEDED', 'unknown'],
    ['OF_A_LATER_RELEASE' as 'INTERNAL', 'unknown'],
    ['UNAVAILABLE', undefined],
    ['VERSION_CONFLICT', undefined],
    ['PERMISSION_DENIED', undefined],
  ] as const)('is, after %s, %s', async (code, effect) => {
    expect((await refusal(put(code).put?.('a', { value: 'v' }, context))).effect).toBe(effect)
  })

  it('is unknown if no answer came in time, for every call that changes something', async () => {
    const provider = guarded({
      put: hung,
      tag: hung,
      delete: hung,
      restore: hung,
      staging: { put: hung, get: hung, promote: hung, discard: hung },
    })
    const calls = [
      provider.put?.('a', { value: 'v' }, context),
      provider.tag?.('a', {}, context),
      provider.delete?.('a', { purge: false }, context),
      provider.restore?.('a', context),
      provider.staging?.put('a', { value: 'v' }, context),
      provider.staging?.promote('a', {}, context),
      provider.staging?.discard('a', {}, context),
      provider.staging?.get('a', context),
    ].map(refusal)
    await vi.advanceTimersByTimeAsync(5_000)
    const effects = (await Promise.all(calls)).map(({ code, effect }) => `${code} ${effect}`)
    expect(effects).toEqual([...Array.from({ length: 7 }, () => 'DEADLINE_EXCEEDED unknown'), 'DEADLINE_EXCEEDED undefined'])
  })

  it('may still come only if the store has not answered yet', async () => {
    const gaveUp = vi.fn<NonNullable<GuardOptions['gaveUp']>>()
    for (const code of ['INTERNAL', 'PERMISSION_DENIED'] as const) {
      const provider = guarded({ put: async () => Promise.reject(new SecretsError(code, 'x')) }, { gaveUp })
      await refusal(provider.put?.('a', { value: 'v' }, context))
    }
    expect(gaveUp).not.toHaveBeenCalled()
    const call = refusal(guarded({ put: hung }, { gaveUp }).put?.('a', { value: 'v' }, context))
    await vi.advanceTimersByTimeAsync(5_000)
    await call
    expect(gaveUp.mock.calls).toEqual([['a', expect.any(Promise)]])
  })

  it("is taken from the provider's error", async () => {
    expect((await refusal(put('INTERNAL', 'done').put?.('a', { value: 'v' }, context))).effect).toBe('done')
  })

  it('is absent if nothing was sent', async () => {
    const sent = vi.fn<NonNullable<SecretProvider['put']>>()
    const error = await refusal(guarded({ put: sent }).put?.('a', { value: 'v' }, { signal: AbortSignal.abort() }))
    expect([error.code, error.effect]).toEqual(['ABORTED', undefined])
    expect(sent).not.toHaveBeenCalled()
  })
})

describe('the cool-down', () => {
  /** A provider that gives a set answer for each path, and counts calls. */
  function failing(code: SecretsError['code'] | 'hung'): {
    provider: SecretProvider
    get: ReturnType<typeof vi.fn<SecretProvider['get']>>
  } {
    const get = vi.fn<SecretProvider['get']>(async () => (code === 'hung' ? hung() : Promise.reject(new SecretsError(code, 'x'))))
    return { provider: guarded({ get }), get }
  }

  async function askTimes(provider: SecretProvider, times: number, eachMs = 0): Promise<SecretsError[]> {
    const errors: SecretsError[] = []
    for (let count = 0; count < times; count += 1) {
      const call = refusal(provider.get(`path-${count % 2}`, context))
      await vi.advanceTimersByTimeAsync(eachMs)
      errors.push(await call)
    }
    return errors
  }

  it.each(['UNAVAILABLE', 'hung'] as const)('begins after five failures of %s, and ends with a single probe', async (code) => {
    const { provider, get } = failing(code)
    expect((await askTimes(provider, 5, code === 'hung' ? 5_000 : 0)).at(-1)?.message).not.toContain('not asked for a while')
    const [skipped] = await askTimes(provider, 1)
    expect(skipped).toMatchObject({
      code: 'UNAVAILABLE',
      provider: 'p',
      retryAt: expect.any(Number),
      message: expect.stringContaining('not asked for a while'),
    })
    expect(get).toHaveBeenCalledTimes(5)
    await vi.advanceTimersByTimeAsync(coolDownMs)
    get.mockImplementation(async () => ({ value: 'v' }))
    expect(await Promise.allSettled(['a', 'b'].map((path) => provider.get(path, context)))).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected' },
    ])
    expect(await provider.get('b', context)).toEqual({ value: 'v' })
  })

  it.each(['RATE_LIMITED', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'DELETED', 'INTERNAL', 'ABORTED'] as const)(
    'never begins for %s',
    async (code) => {
      const { provider, get } = failing(code)
      await askTimes(provider, 12)
      expect(get).toHaveBeenCalledTimes(12)
    },
  )

  it('begins at once without a credential, for reads and descriptions', async () => {
    const missing = async (): Promise<never> => Promise.reject(new SecretsError('CREDENTIALS_MISSING', 'none', { remedy: 'set one' }))
    const [get, describing] = [vi.fn(missing), vi.fn(missing)]
    const provider = guarded({ get, describe: describing })
    for (const ask of [() => provider.describe?.('a', context), () => provider.get('b', context), () => provider.describe?.('c', context)])
      expect(await refusal(ask())).toMatchObject({ code: 'CREDENTIALS_MISSING', provider: 'p', problem: 'none', remedy: 'set one' })
    expect([get.mock.calls.length, describing.mock.calls.length]).toEqual([0, 1])
  })

  it('refuses reads of versions too, which also count', async () => {
    const getVersion = vi.fn<NonNullable<SecretProvider['getVersion']>>(async () => Promise.reject(new SecretsError('UNAVAILABLE', 'x')))
    const provider = guarded({ getVersion })
    for (let count = 0; count < 7; count += 1) await refusal(provider.getVersion?.(`path-${count}`, 1, context))
    expect(getVersion).toHaveBeenCalledTimes(5)
  })

  it("is not delayed by a caller's abort in between", async () => {
    const { provider, get } = failing('UNAVAILABLE')
    await askTimes(provider, 4)
    const caller = new AbortController()
    get.mockImplementationOnce(hung)
    const call = refusal(provider.get('path', { signal: caller.signal }))
    caller.abort()
    await call
    await askTimes(provider, 2)
    expect(get).toHaveBeenCalledTimes(6)
  })

  it("never begins because of callers' aborts", async () => {
    const { provider, get } = failing('hung')
    for (let count = 0; count < 12; count += 1) {
      const caller = new AbortController()
      const call = refusal(provider.get(`path-${count}`, { signal: caller.signal }))
      caller.abort()
      await call
    }
    expect(get).toHaveBeenCalledTimes(12)
  })

  it('begins for batches in which every secret is unavailable', async () => {
    const down = { status: 'rejected', reason: new SecretsError('UNAVAILABLE', 'x') } as const
    const up = { status: 'fulfilled', value: undefined } as const
    for (const [second, begins] of [
      [down, true],
      [up, false],
    ] as const) {
      const provider = guarded({ getMany: async () => [down, second] })
      for (let count = 0; count < 5; count += 1) await provider.getMany?.(['a', 'b'], context)
      const next = provider.getMany?.(['a', 'b'], context).then(
        () => false,
        () => true,
      )
      expect(await next).toBe(begins)
    }
  })

  const unreadable = (): never => {
    throw new Error(canary)
  }

  it.each<[string, () => unknown]>([
    ['results that cannot be read', () => [0, 1].map(() => new Proxy({}, { ownKeys: unreadable }))],
    ['results whose members throw', () => [0, 1].map(() => Object.defineProperty({}, 'status', { get: unreadable }))],
    ['gaps', () => Array(2)],
    ['fewer results than paths', () => []],
  ])('ends with a batch of %s, because the store answered', async (_, answer) => {
    const circuit = new CircuitBreaker()
    const provider = guarded({ get: async () => undefined, getMany: (async () => answer()) as never }, { circuit }) // of a careless author
    for (const path of ['a', 'b', 'c', 'd', 'e']) circuit.failed([path], Date.now(), new SecretsError('UNAVAILABLE', 'x'))
    await vi.advanceTimersByTimeAsync(coolDownMs)
    await Promise.allSettled([provider.getMany?.(['a', 'b'], context)])
    expect(await Promise.all([provider.get('a', context), provider.get('b', context)])).toEqual([undefined, undefined])
  })

  it('ends with an unreadable error', async () => {
    class Unreadable extends Error {
      override get name(): string {
        throw this
      }
    }
    const circuit = new CircuitBreaker()
    const provider = guarded({ get: async () => Promise.reject(new Unreadable(canary)) }, { circuit })
    for (const path of ['a', 'b', 'c', 'd', 'e']) circuit.failed([path], Date.now(), new SecretsError('UNAVAILABLE', 'x'))
    await vi.advanceTimersByTimeAsync(coolDownMs)
    for (const path of ['a', 'b']) {
      expect(await refusal(provider.get(path, context))).toMatchObject({
        code: 'INTERNAL',
        problem: 'the provider failed with an error of its own instead of a SecretsError',
      })
    }
  })

  it('is neither ended nor delayed by UNSUPPORTED, which need not reach the store', async () => {
    const getMany = async (): Promise<never> => Promise.reject(new SecretsError('UNSUPPORTED', 'x'))
    const get = vi.fn<SecretProvider['get']>(async () => Promise.reject(new SecretsError('UNAVAILABLE', 'x')))
    const provider = guarded({ get, getMany })
    for (let round = 0; round < 4; round += 1) {
      await refusal(provider.getMany?.(['a', 'b'], context))
      await askTimes(provider, 2)
    }
    expect(get).toHaveBeenCalledTimes(5)
  })

  it('does not refuse or count writes and health checks', async () => {
    const down = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'x'))
    const put = vi.fn<NonNullable<SecretProvider['put']>>(down)
    const checkHealth = vi.fn<NonNullable<SecretProvider['checkHealth']>>(down)
    const provider = guarded({ get: down, put, checkHealth })
    for (let count = 0; count < 6; count += 1)
      await Promise.allSettled([provider.put?.(`${count}`, { value: 'v' }, context), provider.checkHealth?.(context)])
    expect((await askTimes(provider, 6)).map(({ message }) => message.includes('not asked for a while'))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ])
    await Promise.allSettled([provider.put?.('a', { value: 'v' }, context), provider.checkHealth?.(context)])
    expect([put.mock.calls.length, checkHealth.mock.calls.length]).toEqual([7, 7])
  })
})

describe('an outage', () => {
  it('ends with an answer, but not with a batch of failures', async () => {
    const outage = new OutageWarning('p', true)
    const answered = vi.spyOn(outage, 'answered')
    const down = { status: 'rejected', reason: new SecretsError('UNAVAILABLE', 'x') } as const
    const provider = guarded({ getMany: async () => [down, down] }, { outage })
    await provider.getMany?.(['a', 'b'], context)
    expect(answered).not.toHaveBeenCalled()
    await provider.get('a', context)
    expect(answered).toHaveBeenCalledTimes(1)
    const half = guarded({ getMany: async () => [down, { status: 'fulfilled', value: undefined }] }, { outage })
    await half.getMany?.(['a', 'b'], context)
    expect(answered).toHaveBeenCalledTimes(2)
  })
})

describe('a read across a gap of the wall clock', () => {
  function frozenFor(
    ms: number,
    first: () => Promise<StoredSecret | undefined>,
  ): { provider: SecretProvider; get: ReturnType<typeof vi.fn<SecretProvider['get']>>; circuit: CircuitBreaker } {
    const circuit = new CircuitBreaker()
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'after' }))
    get.mockImplementationOnce(async () => {
      vi.setSystemTime(Date.now() + ms)
      return first()
    })
    return { provider: guarded({ get }, { circuit }), get, circuit }
  }

  it.each([3_600_000, 6_001, -1_001])('of %d ms is repeated once', async (ms) => {
    const { provider, get } = frozenFor(ms, async () => ({ value: 'before' }))
    expect(await provider.get('a', context)).toEqual({ value: 'after' })
    expect(get).toHaveBeenCalledTimes(2)
  })

  it.each([0, 6_000, -1_000])('of %d ms is too small, and not repeated', async (ms) => {
    const { provider } = frozenFor(ms, async () => ({ value: 'before' }))
    expect(await provider.get('a', context)).toEqual({ value: 'before' })
  })

  it('is not counted against the store', async () => {
    const { provider, circuit } = frozenFor(60_000, async () => Promise.reject(new SecretsError('DEADLINE_EXCEEDED', 'x')))
    const failed = vi.spyOn(circuit, 'failed')
    expect(await provider.get('a', context)).toEqual({ value: 'after' })
    expect(failed).not.toHaveBeenCalled()
  })

  it.each(['describe', 'checkHealth', 'staging.get'] as const)('is also repeated for %s, which changes nothing', async (method) => {
    const call = vi.fn(async () => {
      if (call.mock.calls.length === 1) vi.setSystemTime(Date.now() + 3_600_000)
      return undefined
    })
    const unused = async (): Promise<never> => Promise.reject(new Error('unused'))
    const staging = { put: unused, get: call, promote: unused, discard: unused }
    const provider = guarded({ describe: call, checkHealth: call, staging })
    const calls = {
      describe: () => provider.describe?.('a', context),
      checkHealth: () => provider.checkHealth?.(context),
      'staging.get': () => provider.staging?.get('a', context),
    }
    await calls[method]()
    expect(call).toHaveBeenCalledTimes(2)
  })

  it('is not repeated for a write', async () => {
    const put = vi.fn<NonNullable<SecretProvider['put']>>(async () => (vi.setSystemTime(Date.now() + 60_000), {}))
    await guarded({ put }).put?.('a', { value: 'v' }, context)
    expect(put).toHaveBeenCalledTimes(1)
  })
})
