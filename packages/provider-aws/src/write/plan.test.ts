import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Api } from '../client/api.ts'
import { type History, historyOf } from '../model/history.ts'
import { current, pending, previous, putLabel, stagedLabel, versionIdOf, versionLabel } from '../model/labels.ts'
import { limits } from '../model/limits.ts'
import { makeRoom } from './versions.ts'
import { labelsToDrop, planWrite } from './plan.ts'

const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'

/** A secret as AWS keeps its labels, with the writers that there are: we, ours that stop half-way, and others by hand. */
class Labels {
  readonly held = new Map<string, string[]>()
  /** How many labels there ever were at once. */
  most = 0
  #byHand = 0

  history(): History {
    return historyOf(arn, Object.fromEntries(this.held))
  }
  attach(label: string, id: string): void {
    const holder = this.holder(label)
    if (holder === id) return
    if (holder !== undefined) this.detach(label, holder)
    this.held.set(id, [...(this.held.get(id) ?? []), label])
    if (label === current && holder !== undefined) this.attach(previous, holder)
  }
  detach(label: string, id: string): void {
    const left = (this.held.get(id) ?? []).filter((each) => each !== label)
    if (left.length === 0) this.held.delete(id)
    else this.held.set(id, left)
  }
  holder(label: string): string | undefined {
    return [...this.held].find(([, labels]) => labels.includes(label))?.[0]
  }
  count(): number {
    return [...this.held.values()].flat().length
  }
  writeByHand(): void {
    this.attach(current, `by hand ${(this.#byHand += 1)}`)
  }
  /** As `put` does it; `stops` before the last step. */
  write(stops: boolean): number {
    const history = this.history()
    const plan = planWrite({ ...history, unfinished: undefined }, {})
    const numbered = plan.currentBecomes === undefined ? [] : [versionLabel(plan.currentBecomes)]
    const added = [versionLabel(plan.number), putLabel(plan.number)]
    for (const { label, revision } of labelsToDrop(history, [...numbered, ...added])) this.detach(label, revision)
    for (const label of numbered) this.attach(label, history.current?.revision ?? '')
    for (const label of added) this.attach(label, versionIdOf(arn, plan.number))
    this.most = Math.max(this.most, this.count())
    if (stops) return plan.number
    this.attach(current, versionIdOf(arn, plan.number))
    this.detach(putLabel(plan.number), versionIdOf(arn, plan.number))
    return plan.number
  }
  stage(): number | undefined {
    const history = this.history()
    if (history.pending !== undefined || history.versions.length === 0) return undefined
    const { number } = planWrite({ ...history, unfinished: undefined, current: undefined }, {})
    const added = [pending, stagedLabel(number)]
    for (const { label, revision } of labelsToDrop(history, added)) this.detach(label, revision)
    for (const label of added) this.attach(label, versionIdOf(arn, number))
    return number
  }
  discard(): void {
    const { pending: waiting } = this.history()
    if (waiting !== undefined) this.detach(pending, waiting.revision)
  }
}

test('whatever was done before, a number is never used twice, only grows, and 20 labels are enough', () => {
  const steps = fc.array(fc.constantFrom('write', 'write', 'write', 'stop', 'by hand', 'stage', 'discard'), { maxLength: 80 })
  fc.assert(
    fc.property(steps, (done) => {
      const secret = new Labels()
      let last = 0
      for (const step of done) {
        const number = step === 'write' || step === 'stop' ? secret.write(step === 'stop') : step === 'stage' ? secret.stage() : undefined
        if (step === 'by hand' && secret.count() < limits.stagingLabels - 1) secret.writeByHand()
        if (step === 'discard') secret.discard()
        if (number !== undefined) {
          expect(number).toBeGreaterThan(last)
          last = number
        }
        expect(Math.max(secret.most, secret.count())).toBeLessThanOrEqual(limits.stagingLabels)
        if (step === 'write') expect(secret.history().current?.version).toBe(number)
        if (last > 0) expect(secret.history().last).toBe(last)
      }
    }),
  )
})

function refusal(plan: () => unknown): string {
  try {
    plan()
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'VERSION_CONFLICT') return error.problem
  }
  throw new Error('it is planned')
}

test('a number that is not above all others is refused, and the next is named', () => {
  const history = historyOf(arn, { a: [previous, 'v3'], b: [current, 'v7'], c: ['staged-9'] })
  for (const version of [1, 3, 7, 8, 9]) expect(refusal(() => planWrite(history, { version }))).toMatch(/\b10\b/)
  expect(planWrite(history, { version: 12 })).toEqual({ number: 12, currentBecomes: undefined, resumes: false })
  expect(planWrite(history, {}).number).toBe(10)
})

test('a version without a number takes one first, and so the next write the one after it', () => {
  expect(planWrite(historyOf(arn, { a: [current] }), {})).toEqual({ number: 2, currentBecomes: 1, resumes: false })
  expect(planWrite(historyOf(arn, { a: [current], b: ['v4', previous] }), {})).toEqual({ number: 6, currentBecomes: 5, resumes: false })
  expect(refusal(() => planWrite(historyOf(arn, { a: [current] }), { version: 1 }))).toMatch(/the next is 2/)
})

test('`ifCurrent` holds by everything that it says, and by nothing where it says nothing', () => {
  const history = historyOf(arn, { id: [current, 'v2'] })
  for (const ifCurrent of [{ version: 2 }, { revision: 'id' }, { version: 2, revision: 'id' }]) {
    expect(planWrite(history, { ifCurrent }).number).toBe(3)
  }
  for (const ifCurrent of [{}, { version: 1 }, { revision: 'other' }, { version: 2, revision: 'other' }, null]) {
    expect(refusal(() => planWrite(history, { ifCurrent }))).toMatch(/\b3\b/)
  }
  expect(planWrite(historyOf(arn, {}), { ifCurrent: null }).number).toBe(1)
  expect(refusal(() => planWrite(historyOf(arn, {}), { ifCurrent: { version: 1 } }))).toMatch(/gone/)
})

test('a version that its writer left unfinished may be completed; nobody else`s is taken for one', () => {
  const left = { a: [current, 'v4'], [versionIdOf(arn, 5)]: ['v5'] }
  expect(planWrite(historyOf(arn, left), {})).toMatchObject({ number: 5, resumes: true })
  expect(planWrite(historyOf(arn, left), { version: 5 })).toMatchObject({ number: 5, resumes: true })
  expect(planWrite(historyOf(arn, left), { version: 6 })).toMatchObject({ number: 6, resumes: false })
  for (const labels of [['put-5'], ['put-5', 'v5']]) {
    const begun = historyOf(arn, { a: [current, 'v4'], [versionIdOf(arn, 5)]: labels })
    expect(planWrite(begun, { version: 5 })).toEqual({ number: 5, currentBecomes: undefined, resumes: true })
  }
  for (const others of [
    { a: [current], [versionIdOf(arn, 5)]: ['v5', 'put-5'] }, // the current one gets a higher number
    { a: [current, 'v4'], b: ['v5'] }, // not by us
    { a: [current], [versionIdOf(arn, 5)]: ['v5'] }, // may be an old one
    { a: [current, 'v4'], [versionIdOf(arn, 5)]: ['v5', previous] }, // somebody went back
    { a: [current, 'v4'], [versionIdOf(arn, 5)]: ['v5', 'staged-5', pending] },
    { a: [current, 'v4'], [versionIdOf(arn, 5)]: ['staged-5'] },
  ]) {
    expect(historyOf(arn, others).unfinished).toBeUndefined()
  }
})

test('labels of other tools are never dropped; where they leave no room it is CONFIGURATION', () => {
  const foreign = Array.from({ length: 18 }, (_, n) => `of-another-tool-${n}`)
  const history = historyOf(arn, { a: [current, previous, 'v1', ...foreign.slice(1)], b: foreign.slice(0, 1) })
  expect(() => labelsToDrop(history, ['v2'])).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
})

test('the last number keeps its label, though it is the only one that could go: else it would be used again', () => {
  const foreign = Array.from({ length: 17 }, (_, n) => `of-another-tool-${n}`)
  const history = historyOf(arn, { a: [current, previous, ...foreign], b: ['staged-9'] })
  expect(() => labelsToDrop(history, ['v10'])).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  const older = historyOf(arn, { a: [current, previous, ...foreign.slice(1)], b: ['staged-9'], c: ['v3'] })
  expect(labelsToDrop(older, ['v10'])).toEqual([expect.objectContaining({ label: 'v3', revision: 'c' })])
})

test('a label that another writer has taken away meanwhile is away; another failure is one', async () => {
  const labels = Array.from({ length: 18 }, (_, n) => [`id-${n}`, [`v${n + 1}`]] as const)
  const history = historyOf(arn, { ...Object.fromEntries(labels), now: [current, 'v19'] })
  const apiThat = (code: SecretsErrorCode): Api => ({
    call: () => Promise.reject(new SecretsError(code, 'refused')),
    errorOf: () => Promise.reject(new SecretsError(code, 'refused')),
  })
  const context = { signal: new AbortController().signal }
  await makeRoom(apiThat('VERSION_CONFLICT'), history, ['v20'], context)
  await expect(makeRoom(apiThat('UNAVAILABLE'), history, ['v20'], context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('of a version without AWSCURRENT or AWSPREVIOUS `staged-<n>` is dropped before `v<n>`, and that before what keeps it from being believed', () => {
  const foreign = Array.from({ length: 14 }, (_, n) => `of-another-tool-${n}`)
  const history = historyOf(arn, { a: [current, previous, 'v9', ...foreign], b: ['put-3', 'v3'], c: ['staged-2', 'v2'] })
  expect(labelsToDrop(history, ['v10', 'put-10']).map(({ label }) => label)).toEqual(['staged-2', 'v2', 'v3'])
})

test('an id says neither the value nor the secret, and is another for each number and secret', () => {
  const ids = [versionIdOf(arn, 1), versionIdOf(arn, 2), versionIdOf(`${arn}x`, 1)]
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) // 32 to 64 characters, for AWS
  expect(new Set(ids).size).toBe(3)
})
