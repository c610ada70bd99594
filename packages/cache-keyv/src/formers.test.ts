import type { FormerKey, SharedFormers } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeyvCache } from './keyv-cache.ts'
import { context, fleetOver } from './testing/fleet.ts'
import { faultyStore, type FaultyStore } from './testing/stores.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const key: FormerKey = { sharedAs: 'env:payments', path: 'token', part: '', graceMs: 600_000 }

/** A value ends so much earlier than its grace: an answer counts 5 s, and a write may be late by 1 s. */
const earlyMs = 6_000

interface Trial {
  readonly store: FaultyStore
  readonly formers: SharedFormers
  readonly saw: (letter: string | undefined, lastsMs?: number) => Promise<void>
  /** What a process that has just started knows of the value before this one. */
  readonly before: (letter: string, at?: FormerKey) => Promise<string>
}

function formersIn(cache: KeyvCache): SharedFormers {
  if (cache.formers === undefined) throw new Error('the cache keeps former values')
  return cache.formers
}

function trial(): Trial {
  const { store, another } = fleetOver(faultyStore())
  const formers = formersIn(another())
  const digest = (letter: string): Uint8Array => formers.digest(key, Buffer.from(letter))
  return {
    store,
    formers,
    saw: (letter, lastsMs = key.graceMs - earlyMs) =>
      formers.saw(key, letter === undefined ? undefined : digest(letter), key.graceMs - earlyMs - lastsMs, context),
    before: async (letter, at = key) => {
      const asked = formersIn(another())
      const matching = async (each: string): Promise<string> => ((await asked.matches(at, digest(letter), each, context)) ? each : '')
      return (await Promise.all(['A', 'B', 'C'].map(matching))).join('')
    },
  }
}

describe('former values in a Keyv', () => {
  it('end at the time of their last sight, though the store ignores every TTL', async () => {
    const { saw, before } = trial()
    await saw('A', 1_000)
    await saw('B')
    expect(await before('B')).toBe('A')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await before('B')).toBe('')
  })

  it('do not last longer if an entry is written again by who can write to the server', async () => {
    const { store, saw, before } = trial()
    await saw('A', 1_000)
    await saw('B')
    const replayed = new Map(store.held)
    await vi.advanceTimersByTimeAsync(999)
    expect(await before('B')).toBe('A')
    await vi.advanceTimersByTimeAsync(1)
    for (const [name, text] of replayed) store.held.set(name, text)
    expect(await before('B')).toBe('')
  })

  it('keep their order though a process tells an older value from its memory', async () => {
    const { formers, saw, before } = trial()
    const older = formers.digest(key, Buffer.from('A'))
    for (const letter of ['A', 'B']) await saw(letter)
    await formers.saw(key, older, 5_001, context)
    expect([await before('B'), await before('A')]).toEqual(['A', 'B'])
    await saw('C')
    expect([await before('C'), await before('A')]).toEqual(['B', ''])
  })

  it.each([
    ['the withdrawal of it', undefined, 'B', ''],
    ['its successor', 'B', 'C', 'B'],
  ])('keep their order though a process tells from its memory a value younger than %s', async (_, second, third, expected) => {
    const { saw, before } = trial()
    await saw('A')
    await vi.advanceTimersByTimeAsync(2_000)
    await saw(second)
    await saw('A', key.graceMs - earlyMs - 2_000)
    await saw(third)
    expect(await before(third)).toBe(expected)
  })

  it.each([
    ['the first one is not told again', 0],
    ['a process tells the first one from its memory', 4_000],
  ])('keep the order of two changes within 5 s, and end in time: %s', async (_, ageMs) => {
    const { saw, before } = trial()
    for (const letter of ['A', 'B', 'C']) {
      await saw(letter)
      await vi.advanceTimersByTimeAsync(2_000)
    }
    if (ageMs > 0) await saw('A', key.graceMs - earlyMs - ageMs)
    expect([await before('C'), await before('A')]).toEqual(['B', ''])
    await saw('C')
    await vi.advanceTimersByTimeAsync(key.graceMs - earlyMs - 4_001)
    expect(await before('C')).toBe('B')
    await vi.advanceTimersByTimeAsync(1)
    expect(await before('C')).toBe('')
  })

  it('follow a value that the store has just given, though the clock of its process is behind', async () => {
    const { formers, saw, before } = trial()
    for (const letter of ['A', 'B']) await saw(letter)
    vi.setSystemTime(Date.now() - 60_000)
    await formers.saw(key, formers.digest(key, Buffer.from('C')), 5_000, context)
    expect(await before('C')).toBe('B')
  })

  it('are none after a withdrawal, though the clock of the process that tells it is behind', async () => {
    const { saw, before } = trial()
    await saw('A')
    vi.setSystemTime(Date.now() - 60_000)
    await saw(undefined)
    await saw('B')
    expect(await before('B')).toBe('')
  })

  it('precede only the value that was seen next: an order that is written again serves no other', async () => {
    const { store, saw, before } = trial()
    await saw('A')
    await saw('B')
    const replayed = new Map(store.held)
    await saw('C')
    expect([await before('C'), await before('A')]).toEqual(['B', ''])
    for (const [name, text] of replayed) store.held.set(name, text)
    expect(await before('C')).toBe('')
  })

  it('do not open when they are moved or forged, and this is reported', async () => {
    const { store, saw, before } = trial()
    await saw('A')
    await saw('B')
    const texts = [...store.held.values()]
    for (const [index, name] of [...store.held.keys()].entries()) store.held.set(name, texts[(index + 1) % texts.length] ?? '')
    expect(await before('B')).toBe('')
    for (const name of store.held.keys()) store.held.set(name, 'forged')
    expect(await before('B')).toBe('')
  })

  it('lie there without value, digest and name', async () => {
    const { store, saw, formers } = trial()
    await saw('A')
    const digest = Buffer.from(formers.digest(key, Buffer.from('A')))
    const text = [...store.held].flat().join('\n')
    for (const form of ['token', 'payments', digest.toString('hex'), digest.toString('base64url')]) expect(text).not.toContain(form)
  })

  it('are no value of another grace, part or path', async () => {
    const { saw, before } = trial()
    await saw('A')
    await saw('B')
    for (const other of [{ graceMs: 600_001 }, { part: 'x' }, { path: 'other' }]) expect(await before('B', { ...key, ...other })).toBe('')
  })

  it('reject while the store fails', async () => {
    const { store, saw, before } = trial()
    await saw('A')
    store.plan = () => 'reject'
    await expect(before('B')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(saw('B')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('are asked for once in 5 s, however many guesses there are, and told once while nothing changes', async () => {
    const { store, formers, saw } = trial()
    await saw('A')
    await saw('B')
    const [current, before] = [formers.digest(key, Buffer.from('B')), store.calls()]
    for (let guess = 0; guess < 100; guess += 1) {
      await saw('B')
      expect(await formers.matches(key, current, `guess ${guess}`, context)).toBe(false)
    }
    expect(await formers.matches(key, current, 'A', context)).toBe(true)
    expect(store.calls() - before).toBe(2)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await formers.matches(key, current, 'A', context)).toBe(true)
    expect(store.calls() - before).toBe(4)
  })

  it('are told again when they were given again, and after a failure', async () => {
    const { store, saw, before } = trial()
    store.plan = () => 'reject'
    await expect(saw('A', 1_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    store.plan = undefined
    await vi.advanceTimersByTimeAsync(60_000)
    await saw('A', 1_000)
    await vi.advanceTimersByTimeAsync(2_000)
    await saw('A')
    await saw('B')
    expect(await before('B')).toBe('A')
  })

  it('are not answered by what was known when the call began, if the answer took 5 s', async () => {
    const { store, formers, saw } = trial()
    await saw('A')
    await saw('B')
    const current = formers.digest(key, Buffer.from('B'))
    expect(await formers.matches(key, current, 'A', context)).toBe(true)
    vi.setSystemTime(Date.now() + 5_000) // the machine slept, so the other clock stood still
    const before = store.calls()
    expect(await formers.matches(key, current, 'A', context)).toBe(true)
    expect(store.calls()).toBeGreaterThan(before)
  })

  it('are forgotten by close()', async () => {
    const { another } = fleetOver(faultyStore())
    const cache = another()
    const formers = formersIn(cache)
    const digest = formers.digest(key, Buffer.from('A'))
    await formers.saw(key, digest, 0, context)
    await formers.matches(key, digest, 'B', context)
    await cache.close()
    await expect(formers.matches(key, digest, 'B', context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(Buffer.from(formers.digest(key, Buffer.from('A'))).equals(digest)).toBe(false) // its key is overwritten
  })
})
