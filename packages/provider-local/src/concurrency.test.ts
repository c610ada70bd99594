import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { lockStore } from './testing/breakage.ts'
import { otherProcess } from './testing/other-process.ts'
import { context, createStore, failure, opened, temporaryPath } from './testing/temporary-store.ts'

function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

describe('several writers of one store', () => {
  test('that create it at the same time use the same store', async () => {
    const path = temporaryPath()
    const providers = oneTo(5).map(() => opened(path))
    await Promise.all(providers.map((provider, index) => provider.put(`secret/${index}`, { value: `${index}` }, context)))
    for (const provider of providers) {
      for (const index of providers.keys()) expect((await provider.get(`secret/${index}`, context))?.value).toBe(`${index}`)
    }
  })

  test('see each other’s changes at once', async () => {
    const path = temporaryPath()
    const [one, other] = [opened(path), opened(path)]
    for (let n = 1; n <= 20; n++) {
      await one.put('name', { value: `v${n}`, tags: { n: String(n) } }, context)
      expect(await other.get('name', context)).toMatchObject({ value: `v${n}`, version: n })
      await other.put('name/other', { value: `o${n}` }, context)
      expect((await one.get('name/other', context))?.value).toBe(`o${n}`)
    }
    await one.delete('name', { purge: true }, context)
    expect(await other.get('name', context)).toBeUndefined()
  })

  test('in one process never lose or repeat a number', async () => {
    const path = temporaryPath()
    const providers = [opened(path), opened(path), opened(path)]
    const receipts = await Promise.all(
      providers.flatMap((provider) => oneTo(20).map((n) => provider.put('counted', { value: `${n}` }, context))),
    )
    expect(receipts.map(({ version }) => version ?? 0).toSorted((a, b) => a - b)).toEqual(oneTo(60))
  })

  test('in several processes never lose or repeat a number', async () => {
    const path = temporaryPath()
    await createStore(path)
    const processes = await Promise.all([otherProcess(path, 40), otherProcess(path, 40)])
    const started = processes.map((each) => each.start())
    const own = opened(path, { lockTimeoutMs: 60_000 })
    const receipts = []
    for (let n = 0; n < 40; n++) receipts.push(await own.put('counted', { value: `ours, the ${n}` }, context))
    await Promise.all([...started, ...processes.map(({ exited }) => exited)])
    const numbers = [...receipts.map(({ version }) => version ?? 0), ...processes.flatMap(({ acknowledged }) => acknowledged())]
    expect(numbers.toSorted((a, b) => a - b)).toEqual(oneTo(120))
    expect((await own.get('counted', context))?.version).toBe(120)
  }, 60_000)
})

describe('a store that another connection locks', () => {
  test('is UNAVAILABLE after lockTimeoutMs', async () => {
    const path = temporaryPath()
    await createStore(path)
    const unlock = await lockStore(path)
    const provider = opened(path, { lockTimeoutMs: 30 })
    const calls = [provider.get('name', context), provider.put('name', { value: '' }, context), provider.checkHealth(context)]
    for (const outcome of await Promise.all(calls.map(failure)))
      expect(outcome).toMatchObject({ code: 'UNAVAILABLE', problem: 'the store is locked by another connection' })
    await unlock()
    expect(await provider.get('name', context)).toBeUndefined()
  })

  for (const before of ['is not open yet', 'is open']) {
    test(`holds a write until its signal fires, without blocking the event loop, when it ${before}`, async () => {
      const path = temporaryPath()
      await createStore(path)
      // the test's signal fires long before
      const provider = opened(path, { lockTimeoutMs: 600_000 })
      if (before === 'is open') await provider.checkHealth(context)
      const unlock = await lockStore(path)
      let turns = 0
      const turning = setInterval(() => turns++, 1)
      const error = await failure(provider.put('name', { value: 'value' }, { signal: AbortSignal.timeout(50) }))
      clearInterval(turning)
      await unlock()
      expect(error.code).toBe('ABORTED')
      expect(error.message).toMatch(/lock/)
      // a blocked event loop would have run none before the signal fired
      expect(turns).toBeGreaterThan(0)
      expect(await provider.get('name', context)).toBeUndefined()
    })
  }

  test('can be read by processes that have it open', async () => {
    const path = temporaryPath()
    const provider = opened(path)
    await provider.put('name', { value: 'value' }, context)
    const unlock = await lockStore(path)
    expect((await provider.get('name', context))?.value).toBe('value')
    await unlock()
  })

  test('lets the write through when the lock is released', async () => {
    const path = temporaryPath()
    await createStore(path)
    const provider = opened(path)
    await provider.checkHealth(context)
    const unlock = await lockStore(path)
    const writing = provider.put('name', { value: 'value' }, context)
    await sleep(30)
    await unlock()
    expect((await writing).version).toBe(1)
  })

  test('fails one waiting call without affecting the other', async () => {
    const path = temporaryPath()
    await createStore(path)
    const unlock = await lockStore(path)
    const provider = opened(path)
    const [impatient, patient] = [provider.get('name', { signal: AbortSignal.timeout(20) }), provider.get('name', context)]
    expect((await failure(impatient)).code).toBe('ABORTED')
    await unlock()
    expect(await patient).toBeUndefined()
  })
})
