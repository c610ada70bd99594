import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSecretsManager } from '../../manager/create-manager.ts'
import { partsOf } from '../../manager/parts.ts'
import { secretValue } from '../../testing/secret-value.ts'
import { stagingStore, type StagingStore } from '../../testing/staging-store.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { Candidates } from './candidates.ts'
import { LiveState } from '../known/live-state.ts'
import { type Trial, Trials } from './trials.ts'

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const used = secretValue('v1', { version: 1 })

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  // Pauses in full.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

interface Tried {
  readonly store: StagingStore
  readonly state: LiveState
  readonly trials: Trials
  /** For one caller that waits so long. */
  readonly enter: (ms: number) => Trial
}

/** A store with the second version, after `used` was refused. */
function triedOver(storeMs = 0): Tried {
  const store = stagingStore({ value: 'v2', version: 2 })
  const { get } = store.provider
  const slowly = async (): ReturnType<typeof get> => {
    if (storeMs > 0) await new Promise((resolve) => setTimeout(resolve, storeMs))
    return get('db', { signal: new AbortController().signal })
  }
  const parts = partsOf(createSecretsManager({ providers: [{ ...store.provider, get: slowly }] }))
  const state = new LiveState()
  state.adopt(used)
  const candidates = new Candidates({ parts, name: 'db', state, taken: ({ value }) => void state.adopt(value) })
  const trials = new Trials(candidates, state)
  return { store, state, trials, enter: (ms) => trials.enter(['pending', 'previous'], performance.now() + ms) }
}

interface Answer {
  text: string | undefined
  ms: number
}

/** What the caller may try next, and when that was known; undefined while it waits. */
function nextOf(trial: Trial, refused: SecretValue = used): { answer: Answer | undefined } {
  const [seen, start]: [{ answer: Answer | undefined }, number] = [{ answer: undefined }, performance.now()]
  void trial.next(refused).then((value) => (seen.answer = { text: value?.reveal(), ms: performance.now() - start }))
  return seen
}

const next = secretValue('v2', { version: 2 })

describe('the caller that tries', () => {
  it('gets the credential as soon as it is found', async () => {
    const seen = nextOf(triedOver(5).enter(1_000))
    await pass(100)
    expect(seen.answer).toEqual({ text: 'v2', ms: 5 })
  })

  it("waits a moment after an older login's refusal, which the queue of a pool answers", async () => {
    const { enter, state, store } = triedOver()
    state.best = secretValue('v3', { version: 3 })
    // It is still on trial.
    const trial = enter(1_000)
    nextOf(trial, state.best)
    await pass(0)
    const before = store.calls['get']
    const seen = nextOf(trial)
    await pass(100)
    expect([seen.answer, store.calls['get']]).toEqual([{ text: 'v2', ms: 10 }, before])
  })

  it('finds one, though nothing was known before', async () => {
    const { enter, state } = triedOver()
    Object.assign(state, { latest: undefined, best: undefined })
    const seen = nextOf(enter(1_000))
    await pass(100)
    expect(seen.answer?.text).toBe('v2')
  })

  it('gives up the moment its time is up, though the search goes on', async () => {
    await pass(5_000)
    const seen = nextOf(triedOver(2_000).enter(1_000))
    await pass(1_000)
    expect(seen.answer).toEqual({ text: undefined, ms: 1_000 })
  })

  it('begins no search once its time is up', async () => {
    const { enter, store } = triedOver()
    for (const ms of [0, -1]) {
      const seen = nextOf(enter(ms))
      await pass(0)
      expect(seen.answer).toEqual({ text: undefined, ms: 0 })
    }
    expect(store.calls['get']).toBeUndefined()
  })
})

describe('a caller that waits for the one that tries', () => {
  it('takes what that one found to work, but not when its own time is up', async () => {
    const { enter, state } = triedOver()
    const leader = enter(3_000)
    nextOf(leader)
    const [other, late] = [nextOf(enter(3_000)), nextOf(enter(10))]
    await pass(5)
    expect([other.answer, late.answer]).toEqual([undefined, undefined])
    if (state.best !== undefined) leader.worked(state.best)
    leader.leave()
    await pass(0)
    expect([other.answer, late.answer]).toEqual([
      { text: 'v2', ms: 5 },
      { text: 'v2', ms: 5 },
    ])
    const last = nextOf(enter(0))
    await pass(0)
    expect(last.answer).toEqual({ text: undefined, ms: 0 })
  })

  it('gives up the moment its time is up', async () => {
    await pass(5_000)
    const { enter } = triedOver()
    nextOf(enter(3_000))
    const seen = [nextOf(enter(100)), nextOf(enter(0))]
    await pass(0)
    expect(seen[1]?.answer).toEqual({ text: undefined, ms: 0 })
    await pass(100)
    expect(seen[0]?.answer).toEqual({ text: undefined, ms: 100 })
  })

  it('still waits when another one leaves', async () => {
    const { enter } = triedOver()
    nextOf(enter(3_000))
    const [leaves, stays] = [enter(2_000), nextOf(enter(2_000))]
    nextOf(leaves)
    await pass(10)
    leaves.leave()
    await pass(10)
    expect(stays.answer).toBeUndefined()
  })

  it('may try it itself after a login of more than a second', async () => {
    const { enter } = triedOver()
    nextOf(enter(3_000)) // its login hangs
    const [soon, later] = [nextOf(enter(1_000)), nextOf(enter(1_001))]
    await pass(1_100)
    expect([soon.answer, later.answer]).toEqual([
      { text: undefined, ms: 1_000 },
      { text: 'v2', ms: 1_001 },
    ])
  })

  it('does not try what a long login has refused by now', async () => {
    const { enter, state } = triedOver()
    const leader = enter(5_000)
    nextOf(leader)
    const waits = nextOf(enter(1_520))
    await pass(1_500)
    nextOf(leader, state.best) // nothing else is left, so that it pauses
    await pass(30)
    expect(waits.answer).toEqual({ text: undefined, ms: 1_520 })
  })

  it('does not try what the one that leaves at that moment could not use', async () => {
    const { enter } = triedOver()
    const leader = enter(5_000)
    nextOf(leader)
    setTimeout(() => leader.leave(), 1_500)
    const waits = nextOf(enter(1_500))
    await pass(1_600)
    expect(waits.answer).toEqual({ text: undefined, ms: 1_500 })
  })
})

describe('what a login of another caller has proven', () => {
  const proven = (): Tried => {
    const tried = triedOver()
    tried.state.adopt(next)
    tried.state.hasWorked()
    return tried
  }

  it('is offered at once, and to a caller that is refused again after pauses that double', async () => {
    const trial = proven().enter(10_000)
    const pauses: (Answer | undefined)[] = []
    for (let offers = 0; offers < 8; offers += 1) {
      const seen = nextOf(trial)
      await pass(400)
      pauses.push(seen.answer)
    }
    expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 320, 320].map((ms) => ({ text: 'v2', ms })))
  })

  it('is offered no more from the moment at which the time is up', async () => {
    const trial = proven().enter(15)
    const answers: (Answer | undefined)[] = []
    for (const ms of [0, 10, 10]) {
      const seen = nextOf(trial)
      await pass(ms)
      answers.push(seen.answer)
    }
    expect(answers).toEqual([
      { text: 'v2', ms: 0 },
      { text: 'v2', ms: 10 },
      { text: undefined, ms: 5 },
    ])
  })

  it('is for a caller whose time is up as well, while a login with it takes more than a second', async () => {
    const { enter, state } = triedOver()
    nextOf(enter(5_000))
    await pass(1_001)
    state.hasWorked()
    const seen = nextOf(enter(0))
    await pass(1)
    expect(seen.answer?.text).toBe('v2')
  })
})

describe('what became current meanwhile', () => {
  it('is tried by a caller that is refused then, and the one that searched waits for its outcome', async () => {
    const { enter, state } = triedOver(50)
    const searches = nextOf(enter(3_000))
    await pass(1)
    state.adopt(next)
    const [tries, late] = [enter(3_000), nextOf(enter(0))]
    const tried = nextOf(tries)
    await pass(100)
    expect([tried.answer?.text, searches.answer, late.answer?.text]).toEqual(['v2', undefined, undefined])
    tries.worked(next)
    await pass(0)
    expect(searches.answer?.text).toBe('v2')
  })

  it('is left to the one that searches by a caller whose time is up', async () => {
    const { enter, state } = triedOver(5)
    const searches = nextOf(enter(3_000))
    await pass(1)
    state.adopt(next)
    const late = nextOf(enter(0))
    await pass(10)
    expect([late.answer?.text, searches.answer]).toEqual([undefined, { text: 'v2', ms: 5 }])
  })

  it('is tried by one more at the moment at which the first login has taken a second', async () => {
    const { enter, state } = triedOver()
    state.wasRefused(used)
    state.adopt(next)
    const [first, second] = [nextOf(enter(3_000)), nextOf(enter(3_000))]
    await pass(2_000)
    expect([first.answer, second.answer]).toEqual([
      { text: 'v2', ms: 0 },
      { text: 'v2', ms: 1_000 },
    ])
  })

  it('is not tried by a caller that used an older one if it was refused since', async () => {
    const { enter, state } = triedOver(50)
    state.adopt(next)
    nextOf(enter(3_000), next)
    const older = nextOf(enter(3_000))
    await pass(10)
    expect(older.answer).toBeUndefined()
  })
})

it('is busy as long as one caller is in it, so that what is known of the secret is kept', () => {
  const { trials, enter } = triedOver()
  const callers = [enter(1_000), enter(1_000)]
  const busy = callers.map((caller) => {
    const before = trials.isBusy
    caller.leave()
    return [before, trials.isBusy]
  })
  expect(busy).toEqual([
    [true, true],
    [true, false],
  ])
})
