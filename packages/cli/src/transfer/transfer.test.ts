import { createSecretsManager, type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { type FaultPlan, faults, faultyProvider, memoryManifest, memoryProvider } from '@finchat/secrets-testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InterruptedError } from '../terminal/failure.ts'
import type { Item } from './item.ts'
import type { Target } from './target.ts'
import { transfer, type TransferOptions } from './transfer.ts'

const canary = 'canary-4711'

function targetOf(provider: SecretProvider): Target {
  const secrets = createSecretsManager({ providers: [provider] })
  onTestFinished(async () => secrets.close())
  return { secrets, provider, manifest: memoryManifest, actor: undefined }
}

function itemsOf(...names: readonly string[]): Item[] {
  return names.map((name) => ({ name, place: name, content: canary }))
}

const applied: TransferOptions = { isApplied: true, isForced: false, stop: new AbortController().signal, onStep: () => undefined }

async function statesAfter(provider: SecretProvider, items: readonly Item[], options: Partial<TransferOptions> = {}): Promise<object> {
  const { rows, failed } = await transfer(items, targetOf(provider), { ...applied, ...options })
  return { states: rows.map(({ state }) => state), code: (failed?.error as { code?: string } | undefined)?.code }
}

/** At this call of `put`, something happens in its place or before it. */
const atFirstPut =
  (fault: ReturnType<FaultPlan>): FaultPlan =>
  ({ method, count }) =>
    method === 'put' && count === 1 ? fault : undefined

describe('a write', () => {
  it('whose answer is lost is settled by reading back', async () => {
    const provider = faultyProvider(memoryProvider(), atFirstPut(faults.loseAnswer()))
    expect(await statesAfter(provider, itemsOf('a'))).toEqual({ states: ['written'], code: undefined })
    expect(provider.calls('put')).toBe(1)
  })

  it('that did not happen, and of which that is unknown, is a failure', async () => {
    const fault = faults.reject('UNAVAILABLE', { effect: 'unknown' })
    const provider = faultyProvider(memoryProvider(), ({ method }) => (method === 'put' ? fault : undefined))
    expect(await statesAfter(provider, itemsOf('a'))).toEqual({ states: ['new'], code: 'UNAVAILABLE' })
  })

  it.each<[effect: string, reason: string, put: ReturnType<FaultPlan>]>([
    ['done', 'it was written, but not verified: ', undefined],
    ['unknown', 'it may have been written: ', faults.loseAnswer()],
  ])('that cannot be verified, since the store is away afterwards, has the effect %s', async (effect, reason, put) => {
    const store = memoryProvider()
    let isWritten = false
    const provider = faultyProvider(store, ({ method }) => {
      if (method === 'put') isWritten = true
      else if (isWritten) return faults.reject('UNAVAILABLE')
      return method === 'put' ? put : undefined
    })
    const { rows, failed } = await transfer(itemsOf('a'), targetOf(provider), applied)
    expect(failed?.error).toMatchObject({ code: 'UNAVAILABLE', effect })
    expect(rows).toMatchObject([{ state: 'new', effect, reason: expect.stringContaining(reason) }])
    expect((await store.get('a', { signal: applied.stop }))?.value).toBe(canary)
  })

  it.each([
    [canary, { states: ['written'], code: undefined }],
    ['another', { states: ['new'], code: 'VERSION_CONFLICT' }],
  ])('never goes over that of another writer: %s', async (value, outcome) => {
    const store = memoryProvider()
    const provider = faultyProvider(
      store,
      atFirstPut(async ({ context }, next) => {
        await store.put('a', { value }, context)
        return next(context)
      }),
    )
    expect(await statesAfter(provider, itemsOf('a'))).toEqual(outcome)
    expect((await store.get('a', { signal: applied.stop }))?.value).toBe(value)
  })

  describe('of what was purged, where the first number is used up', () => {
    async function purged(): Promise<ReturnType<typeof memoryProvider>> {
      const store = memoryProvider()
      await store.put('a', { value: 'former' }, { signal: applied.stop })
      await store.delete?.('a', { purge: true }, { signal: applied.stop })
      return store
    }

    it('takes the next number', async () => {
      const store = await purged()
      expect(await statesAfter(store, itemsOf('a'))).toEqual({ states: ['written'], code: undefined })
      expect((await store.get('a', { signal: applied.stop }))?.version).toBe(2)
    })

    it.each(['staging.put', 'staging.promote'])('never goes over that of a writer who comes before %s', async (method) => {
      const store = await purged()
      const { stop: signal } = applied
      const provider = faultyProvider(store, (call) =>
        call.method === method
          ? async ({ context }, next) => {
              await store.put('a', { value: 'another' }, context)
              return next(context)
            }
          : undefined,
      )
      const outcome = await statesAfter(provider, itemsOf('a'))
      expect([outcome, (await store.get('a', { signal }))?.value]).toEqual([{ states: ['new'], code: 'VERSION_CONFLICT' }, 'another'])
      expect(await store.staging?.get('a', { signal })).toBeUndefined()
      expect(provider.calls(method)).toBe(1)
    })

    it('is refused by a store that cannot stage', async () => {
      const outcome = await statesAfter({ ...(await purged()), staging: undefined }, itemsOf('a'))
      expect(outcome).toEqual({ states: ['new'], code: 'UNSUPPORTED' })
    })
  })

  it('goes into a store that numbers nothing, and so compares nothing', async () => {
    const store = memoryProvider()
    const unnumbered: SecretProvider = {
      ...store,
      describe: undefined,
      get: async (path, context) => {
        const { version: _, ...secret } = (await store.get(path, context)) ?? { version: 0, value: '' }
        return secret.value === '' ? undefined : secret
      },
      put: async (path, { version, ...secret }, context) => {
        if (version !== undefined) throw new SecretsError('UNSUPPORTED', 'it numbers no versions')
        return store.put(path, secret, context)
      },
    }
    expect(await statesAfter(unnumbered, itemsOf('a'))).toEqual({ states: ['written'], code: undefined })
    expect(await statesAfter(unnumbered, [{ name: 'a', place: 'a', content: 'another' }], { isForced: true })).toMatchObject({
      states: ['written'],
    })
  })

  it('never goes over a secret that appeared since the plan', async () => {
    const store = memoryProvider()
    const first: FaultPlan = ({ method, count }) =>
      method === 'describe' && count === 1
        ? async ({ context }, next) => {
            await store.put('a', { value: 'another' }, context)
            return next(context)
          }
        : undefined
    expect(await statesAfter(faultyProvider(store, first), itemsOf('a'))).toEqual({ states: ['new'], code: 'VERSION_CONFLICT' })
  })

  it('that reads back differently is an integrity error, and the last', async () => {
    const provider = faultyProvider(memoryProvider(), () => undefined)
    const lying: SecretProvider = {
      ...provider,
      put: async (path, secret, context) => provider.put(path, { ...secret, value: 'altered' }, context),
    }
    const outcome = await transfer(itemsOf('a', 'b', 'c', 'd', 'e', 'f'), targetOf(lying), applied)
    expect(outcome.failed).toMatchObject({ error: { code: 'INTEGRITY', secret: 'a', provider: 'memory' } })
    expect(String(outcome.failed?.error)).not.toContain('canary')
    expect(outcome.rows.map(({ state }) => state)).toEqual(['new', 'new', 'new', 'new', 'new', 'new'])
    expect(provider.calls('put')).toBeLessThanOrEqual(4)
  })

  it('is the last of its document if it fails, and the reason is that of the store alone', async () => {
    const store = memoryProvider({ names: { a: 'doc#a', b: 'doc#b' } })
    const provider = faultyProvider(store, ({ method }) => (method === 'put' ? faults.reject('PERMISSION_DENIED') : undefined))
    const { rows } = await transfer(itemsOf('a', 'b'), targetOf(provider), applied)
    const [a, b] = rows
    expect([a?.code, a?.effect, b?.code]).toEqual(['PERMISSION_DENIED', undefined, undefined])
    expect(a?.reason).not.toMatch(/undefined|written/)
    expect(provider.calls('put')).toBe(1)
  })

  it('does not begin after an interruption, and goes on at the next run', async () => {
    const controller = new AbortController()
    const store = memoryProvider()
    const items = itemsOf(...Array.from({ length: 40 }, (_, index) => `s${index}`))
    const onStep = (what: string, done: number): void => void (what === 'written' && done === 5 && controller.abort())
    const { rows, failed } = await transfer(items, targetOf(store), { ...applied, stop: controller.signal, onStep })
    const written = rows.filter(({ state }) => state === 'written').length
    expect({ failed, isSome: written >= 5 && written < 9 }).toEqual({ failed: undefined, isSome: true })
    const again = await transfer(items, targetOf(store), applied)
    expect(again.rows.filter(({ state }) => state === 'same')).toHaveLength(written)
    expect(again.rows.filter(({ state }) => state === 'written')).toHaveLength(40 - written)
  })
})

describe('the plan', () => {
  it('tells each secret that was compared or written, in order', async () => {
    const steps: string[] = []
    const onStep = (...step: [string, number, number]): void => void steps.push(step.join(' '))
    await transfer(itemsOf('a', 'b'), targetOf(memoryProvider()), { ...applied, onStep })
    expect(steps).toEqual(['compared 1 2', 'compared 2 2', 'written 1 2', 'written 2 2'])
  })

  it('ends by an interruption, and asks the store nothing more', async () => {
    const controller = new AbortController()
    const provider = faultyProvider(memoryProvider(), () => undefined)
    const onStep = (): void => controller.abort()
    const items = itemsOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
    const planned = transfer(items, targetOf(provider), { ...applied, isApplied: false, stop: controller.signal, onStep })
    await expect(planned).rejects.toBeInstanceOf(InterruptedError)
    expect(provider.calls('get')).toBeLessThan(items.length)
  })

  it('has no clash of a value with one that the source could not give', async () => {
    const store = memoryProvider({ names: { a: 'doc#x', b: 'doc#x' } })
    const problem = { reason: 'denied', code: 'PERMISSION_DENIED', exitCode: 77 } as const
    const items: Item[] = [...itemsOf('a'), { name: 'b', place: 'b', problem }]
    const { rows } = await transfer(items, targetOf(store), { ...applied, isApplied: false })
    expect(rows.map(({ state, code }) => [state, code])).toEqual([
      ['new', undefined],
      ['cannot be mapped', 'PERMISSION_DENIED'],
    ])
  })

  it('says by which code two values for one place are refused', async () => {
    const store = memoryProvider({ names: { a: 'doc#x', b: 'doc#x' } })
    const items = Object.entries({ a: '1', b: '2' }).map(([name, content]) => ({ name, place: name, content }))
    const { rows } = await transfer(items, targetOf(store), { ...applied, isApplied: false })
    expect(rows).toMatchObject(
      ['a', 'b'].map((name) => ({ name, code: 'INVALID_ARGUMENT', exitCode: 1, reason: 'a, b have different values for one place' })),
    )
  })
})

describe('what is moved', () => {
  it('is all fields of a secret that has several, in any order', async () => {
    const content = { user: 'ada', password: canary }
    const store = memoryProvider()
    const items: Item[] = [{ name: 'db', place: 'db', content }]
    expect(await statesAfter(store, items)).toMatchObject({ states: ['written'] })
    await store.put('db', { value: `{"password":"${canary}","user":"ada"}`, shape: 'map' }, { signal: applied.stop })
    expect(await statesAfter(store, items)).toMatchObject({ states: ['same'] })
  })

  it('is bytes, but not into a field', async () => {
    const items: Item[] = [{ name: 'key', place: 'key', content: Uint8Array.of(0xff, 0) }]
    expect(await statesAfter(memoryProvider(), items)).toMatchObject({ states: ['written'] })
    expect(await statesAfter(memoryProvider({ names: { key: 'doc#key' } }), items)).toMatchObject({ states: ['cannot be mapped'] })
  })

  it('is not what another secret with several fields would lose', async () => {
    const store = memoryProvider()
    await store.put('db', { value: '{"user":"ada","port":"1"}', shape: 'map' }, { signal: applied.stop })
    expect(await statesAfter(store, itemsOf('db'), { isForced: true })).toMatchObject({ states: ['cannot be mapped'] })
  })

  it.each([
    ['another value', '2', 'cannot be mapped', 'old'],
    ['the same value', '1', 'written', '1'],
  ])('is not lost to a second name with the same place: %s', async (_, second, state, held) => {
    const store = memoryProvider({ names: { a: 'doc#x', b: 'doc#x', c: 'doc#y' } })
    await store.put('doc', { value: '{"x":"old"}', shape: 'map' }, { signal: applied.stop })
    const items = Object.entries({ a: '1', b: second, c: '3' }).map(([name, content]) => ({ name, place: name, content }))
    expect(await statesAfter(store, items, { isForced: true })).toEqual({ states: [state, state, 'written'], code: undefined })
    expect(JSON.parse(String((await store.get('doc', { signal: applied.stop }))?.value))).toEqual({ x: held, y: '3' })
  })

  it.each([true, false])('is not lost to a second place of the source for the same name, forced: %s', async (isForced) => {
    const store = memoryProvider()
    const items = ['FIRST', 'SECOND'].map((place) => ({ name: 'token', place, content: `${canary} ${place}` }))
    const options = { ...applied, isForced }
    const { rows } = await transfer(items, targetOf(store), options)
    const reason = 'FIRST, SECOND have different values for one place'
    expect(rows).toMatchObject(items.map(() => ({ state: 'cannot be mapped', reason })))
    expect(await store.get('token', { signal: applied.stop })).toBeUndefined()
    const same = items.map((item) => ({ ...item, content: canary }))
    expect(await statesAfter(store, same, options)).toEqual({ states: ['written', 'written'], code: undefined })
  })

  it.each([
    ['before', ['whole', 'part']],
    ['after', ['part', 'whole']],
  ])('is no whole document together with one field of it: %s the field', async (_, names) => {
    const store = memoryProvider({ names: { whole: 'doc', part: 'doc#x', other: 'another' } })
    const contents: Record<string, string> = { whole: '{"x":"1","y":"2"}', part: '3' }
    const items = [...names.map((name) => ({ name, place: name, content: contents[name] ?? '' })), ...itemsOf('other')]
    const { rows } = await transfer(items, targetOf(store), { ...applied, isForced: true })
    const reason = `${names.join(', ')} are a whole document and a field of it: leave one out`
    expect(rows).toMatchObject([...names.map(() => ({ state: 'cannot be mapped', reason })), { state: 'written' }])
    expect(await store.get('doc', { signal: applied.stop })).toBeUndefined()
  })

  it('is read back at the end: what a later write changed is not called written', async () => {
    const store = memoryProvider({ names: { a: 'doc#x', b: 'doc#y' } })
    let writes = 0
    const provider = faultyProvider(store, ({ method }) =>
      method === 'put' && (writes += 1) === 2
        ? async ({ context }, next) => {
            const answer = await next(context)
            await store.put('doc', { value: JSON.stringify({ y: canary }), shape: 'map' }, context)
            return answer
          }
        : undefined,
    )
    const { rows, failed } = await transfer(itemsOf('a', 'b'), targetOf(provider), applied)
    expect(rows).toMatchObject([{ state: 'new', effect: 'done', code: 'INTEGRITY' }, { state: 'written' }])
    expect(failed).toMatchObject({ name: 'a', error: { code: 'INTEGRITY' } })
  })

  it('is not said to be at the target if its document is there without the field', async () => {
    const store = memoryProvider({ names: { a: 'doc#a', b: 'doc#b' } })
    await store.put('doc', { value: '{"b":"1"}', shape: 'map' }, { signal: applied.stop })
    const problem = { reason: 'the source does not have it', code: 'NOT_FOUND', exitCode: 66 } as const
    const items = ['a', 'b'].map((name) => ({ name, place: name, problem }))
    const { rows } = await transfer(items, targetOf(store), applied)
    expect(rows).toMatchObject([
      { name: 'a', state: 'cannot be mapped', exitCode: 66 },
      { name: 'b', state: 'absent', exitCode: 0 },
    ])
  })

  it('is compared only, if it is not applied', async () => {
    const provider = faultyProvider(memoryProvider(), () => undefined)
    expect(await statesAfter(provider, itemsOf('a', 'b'), { isApplied: false })).toMatchObject({ states: ['new', 'new'] })
    expect(provider.calls('put')).toBe(0)
  })

  it('is refused by name if a store denies it, and the others are moved', async () => {
    const provider = faultyProvider(memoryProvider(), ({ method, args }) =>
      method === 'get' && args[0] === 'b' ? faults.reject('PERMISSION_DENIED') : undefined,
    )
    const { rows } = await transfer(itemsOf('a', 'b'), targetOf(provider), applied)
    expect(rows).toMatchObject([
      { name: 'a', state: 'written' },
      { name: 'b', state: 'cannot be mapped', code: 'PERMISSION_DENIED', exitCode: 77 },
    ])
  })
})

it.each([
  ['fields that are larger together', { a: canary, b: canary.repeat(5) }, 'the value is too large'],
  ['a name that no store has', canary, 'it is no name of a secret, which has letters, digits and / _ + = . @ : -'],
])('the plan says what the store would refuse: %s', async (what, content, reason) => {
  const target = { ...targetOf(memoryProvider()), manifest: { ...memoryManifest, values: { minBytes: 0, maxBytes: 60, binary: true } } }
  const name = what.startsWith('a name') ? 'two words' : 'a'
  const { rows } = await transfer([{ name, place: name, content }], target, { ...applied, isApplied: false })
  expect(rows).toMatchObject([{ state: 'cannot be mapped', reason, exitCode: 1 }])
})
