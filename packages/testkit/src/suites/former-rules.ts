import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FormerKey, SharedFormers } from '@finchat/secrets-core'
import type { CacheRule, CacheTrial } from './cache-trial.ts'
import { rejects, within } from './provider/trial.ts'

/** A cache may end a value some seconds early, to allow for slow answers. */
const earlyMs = 10_000
const key: FormerKey = { sharedAs: 'store', path: 'suite/former', part: '', graceMs: 60_000 }
const timeoutMs = 5_000

/** Rules of the optional member `formers`. A cache without it passes. */
export function formerRules(): Readonly<Record<string, CacheRule>> {
  return Object.fromEntries(Object.entries(rules).map(([rule, prove]) => [`former values: ${rule}`, proving(prove)]))
}

interface Formers {
  readonly saw: (letter: string | undefined, ageMs?: number) => Promise<void>
  /** Of the other process: the letters that precede this one. */
  readonly before: (letter: string, at?: FormerKey) => Promise<string>
  readonly matches: (letter: string, candidate: string | Uint8Array) => Promise<boolean>
  readonly digest: (letter: string, at?: FormerKey) => Uint8Array
  readonly trial: CacheTrial
}

function proving(prove: (formers: Formers) => Promise<void>): CacheRule {
  return async (trial) => {
    const [one, other] = [trial.cache.formers, trial.another.formers]
    if (one !== undefined && other !== undefined) await prove(formersOf(trial, one, other))
  }
}

function formersOf(trial: CacheTrial, one: SharedFormers, other: SharedFormers): Formers {
  const { context } = trial
  const digest = (letter: string, at = key): Uint8Array => one.digest(at, Buffer.from(letter))
  const before = async (letter: string, at = key): Promise<string> => {
    const matching = async (each: string): Promise<string> => ((await other.matches(at, digest(letter, at), each, context)) ? each : '')
    return (await Promise.all(['A', 'B', 'C'].map(matching))).join('')
  }
  return {
    saw: (letter, ageMs = 0) => one.saw(key, letter === undefined ? undefined : digest(letter), ageMs, context),
    before,
    matches: (letter, candidate) => other.matches(key, digest(letter), candidate, context),
    digest,
    trial,
  }
}

const rules: Readonly<Record<string, (formers: Formers) => Promise<void>>> = {
  'digests are equal in every process, and bound to store, path and part': async ({ digest, trial }) => {
    assert.deepEqual(trial.another.formers?.digest(key, Buffer.from('A')), digest('A'))
    const others = [{ sharedAs: 'other' }, { path: 'other' }, { part: 'x' }].map((each) => digest('A', { ...key, ...each }))
    for (const each of [...others, digest('B'), Buffer.from('A')]) assert.notDeepEqual(each, digest('A'))
  },
  'the direct predecessor is known to every process, and only that': async ({ saw, before }) => {
    for (const letter of ['A', 'B', 'C', 'C']) await saw(letter)
    assert.deepEqual([await before('C'), await before('A')], ['B', ''], 'it is not the direct predecessor')
  },
  'a value that comes back has the one between as predecessor': async ({ saw, before }) => {
    for (const letter of ['A', 'B', 'A']) await saw(letter)
    assert.equal(await before('A'), 'B')
  },
  'a value is accepted until its grace ends, counted from when the store gave it': async ({ saw, before }) => {
    await saw('A', key.graceMs - 100)
    await sleep(200)
    await saw('B')
    assert.equal(await before('B'), '', 'a former value outlasts its grace')
  },
  'a value that is seen again lasts longer': async ({ saw, before }) => {
    await saw('A', key.graceMs - earlyMs - 2_000)
    await saw('A')
    await saw('B')
    assert.equal(await before('B'), 'A')
  },
  'a value from the memory of a process comes back neither after two changes nor after its withdrawal': async ({ saw, before }) => {
    for (const letter of ['A', 'B', 'C']) await saw(letter)
    await saw('A', 4_000)
    assert.deepEqual([await before('C'), await before('A')], ['B', ''], 'it was taken for the latest value')
    await saw(undefined)
    await saw('C', 4_000)
    await saw('B')
    assert.equal(await before('B'), '', 'a withdrawn value is a predecessor')
  },
  'a value before a withdrawal precedes nothing': async ({ saw, before }) => {
    for (const letter of ['A', undefined, 'B']) await saw(letter)
    assert.equal(await before('B'), '', 'a withdrawn value is a predecessor')
  },
  'nothing empty, malformed or longer matches, and bytes match as text does': async ({ saw, matches }) => {
    for (const letter of ['\u{FFFD}', 'B']) await saw(letter)
    const candidates = ['\u{FFFD}', Buffer.from('\u{FFFD}'), '', new Uint8Array(0), '\u{D800}', '\u{FFFD} ', Buffer.alloc(2 ** 20 + 1)]
    const answers = await Promise.all(candidates.map((each) => matches('B', each)))
    assert.deepEqual(answers, [true, true, false, false, false, false, false])
  },
  'another grace, part, path or store has none of them': async ({ saw, before }) => {
    for (const letter of ['A', 'B']) await saw(letter)
    for (const other of [{ graceMs: 61_000 }, { part: 'x' }, { path: 'suite/other' }, { sharedAs: 'other' }])
      assert.equal(await before('B', { ...key, ...other }), '')
  },
  'an invalidation of the path keeps them: a rotation invalidates too': async ({ saw, before, trial }) => {
    await saw('A')
    await trial.cache.invalidate({ sharedAs: key.sharedAs, path: key.path }, trial.context)
    await saw('B')
    assert.equal(await before('B'), 'A')
  },
  'calls reject while the store is down': async ({ saw, matches, trial }) => {
    const repair = await trial.breakCache()
    try {
      for (const call of [() => saw('A'), () => matches('A', 'B')]) await within(timeoutMs, rejects(call()), 'a call hangs')
    } finally {
      await repair()
    }
  },
}
