import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredSecret } from '@finchat/secrets-core'
import { assertValue, reads, register, rejects, type Rules, type Suite, type Trial } from './trial.ts'

/** Reads of the current version. */
export function testReading(suite: Suite): void {
  register(suite, answersRules(suite))
  register(suite, metadataRules(suite))
  register(suite, callsRules)
}

const answersRules = ({ manifest }: Suite): Rules => ({
  'reading: a missing secret is undefined': async (trial) => {
    await reads(trial, trial.path(1), undefined)
    await trial.seed(trial.path(2), trial.value(2))
    await reads(trial, trial.path(1), undefined)
  },

  'reading: a secret has its current value': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await reads(trial, trial.path(1), trial.value(1))
    await trial.seed(trial.path(1), trial.value(2))
    await reads(trial, trial.path(1), trial.value(2))
  },

  'reading: only the exact path is answered': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    const neighbours = [`${path}x`, path.slice(0, -1), `${path}/x`, path.toUpperCase(), path.toLowerCase()]
    for (const neighbour of neighbours.filter((other) => other !== path && manifest.canHoldPath(other)))
      await reads(trial, neighbour, undefined)
  },
})

const metadataRules = ({ manifest }: Suite): Rules => ({
  'reading: the metadata of an answer keeps the contract': async ({ path, seed, value, get }) => {
    await seed(path(1), value(1))
    const first = await get(path(1))
    assertMetadata(first, manifest.numbering !== undefined)
    const second = await get(path(1))
    assert.deepEqual(
      [second?.version, second?.revision],
      [first?.version, first?.revision],
      'an unchanged secret keeps version and revision',
    )
    await seed(path(1), value(2))
    const changed = await get(path(1))
    if (first?.revision !== undefined) assert.notEqual(changed?.revision, first.revision, 'a new value has a new revision')
    if (first?.version !== undefined) assert.notEqual(changed?.version, first.version, 'a new value has a new version')
  },

  'reading: `currentNotBefore` is not later than the time at which the version became current': async (trial) => {
    for (const n of [1, 2]) {
      await trial.seed(trial.path(1), trial.value(n))
      await assertCurrentBy(Date.now(), trial)
    }
  },

  'reading: `fresh` and unknown context members change nothing': async ({ path, seed, value, provider, context }) => {
    await seed(path(1), value(1))
    const later = { ...context, fresh: true, aMemberOfTheFuture: 'x' }
    assertValue(await provider.get(path(1), later), value(1))
    assertValue(await provider.get(path(2), later), undefined)
  },
})

const callsRules: Rules = {
  'reading: concurrent reads each get their own answer': async (trial) => {
    const numbers = Array.from({ length: 12 }, (_, index) => index)
    for (const n of numbers.filter((number) => number % 3 > 0)) await trial.seed(trial.path(n), trial.value(n))
    await Promise.all([...numbers, ...numbers].map((n) => reads(trial, trial.path(n), n % 3 > 0 ? trial.value(n) : undefined)))
  },

  'reading: a call whose signal is already aborted rejects': async ({ path, seed, value, provider, harness }) => {
    await seed(path(1), value(1))
    const before = harness.requests?.()
    await rejects(provider.get(path(1), { signal: AbortSignal.abort() }), 'ABORTED', 'DEADLINE_EXCEEDED')
    assert.equal(harness.requests?.(), before, 'an aborted call reached the store')
  },
}

function assertMetadata(secret: StoredSecret | undefined, numbered: boolean): void {
  assert.ok(secret, 'the secret must exist')
  const { version, revision, currentSince, expiresAt } = secret
  assert.ok(
    version === undefined || (numbered && Number.isSafeInteger(version) && version > 0),
    'a version is a positive integer, and needs `numbering` in the manifest',
  )
  assert.ok(revision === undefined || (typeof revision === 'string' && revision.length > 0), 'a revision is text that is not empty')
  const dayMs = 86_400_000
  assert.ok(
    currentSince === undefined || Math.abs(currentSince - Date.now()) < dayMs,
    '`currentSince` is the present, in epoch milliseconds',
  )
  assert.ok(expiresAt === undefined || expiresAt > Date.now(), '`expiresAt` is in the future, in epoch milliseconds')
}

/** The current version became current at `time` or before. */
export async function assertCurrentBy(time: number, { provider, get, path, context }: Trial): Promise<void> {
  await sleep(20) // so that the time of this read is another one
  for (const answer of [await get(path(1)), await provider.describe?.(path(1), context)]) {
    const { currentNotBefore, currentSince } = answer ?? {}
    if (currentNotBefore === undefined) continue
    assert.ok(currentNotBefore <= time, '`currentNotBefore` is later than the time at which the version became current')
    assert.ok(currentSince === undefined || currentNotBefore <= currentSince, '`currentNotBefore` is later than `currentSince`')
  }
}
