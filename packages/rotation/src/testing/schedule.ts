import { SecretsError } from '@finchat/secrets-core'

/**
 * How a call of a rotator ends. `dies`: its rotator never goes on. `is late`: its rotator gave up,
 * and what it does happens when it is chosen again.
 */
export type Fate = 'works' | 'fails' | 'loses its answer' | 'is late' | 'dies before' | 'dies after'

interface Parked {
  readonly rotator: number
  readonly resolve: (fate: Fate) => void
}

/**
 * Lets rotators go on one call at a time, in an order that a test chooses. A rotator that is not
 * chosen is stopped; what it does later is late.
 */
export class Schedule {
  #parked: Parked[] = []

  /** Waits before a call of a store or a target until it is chosen. */
  async park(rotator: number): Promise<Fate> {
    return new Promise((resolve) => this.#parked.push({ rotator, resolve }))
  }

  /** The rotators that wait. */
  get waiting(): readonly number[] {
    return this.#parked.map(({ rotator }) => rotator)
  }

  /** Lets one call go on, and returns once no call can go on without being chosen. */
  async release(rotator: number, fate: Fate): Promise<void> {
    const at = this.#parked.findIndex((parked) => parked.rotator === rotator)
    if (at !== -1) this.#parked.splice(at, 1)[0]?.resolve(fate)
    await settled()
  }
}

/** Everything that needs no timer has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Makes a call of a rotator when it is chosen, and ends it as that says. */
export async function callWhenChosen<T>(schedule: Schedule, rotator: number, call: () => Promise<T>): Promise<T> {
  const fate = await schedule.park(rotator)
  if (fate !== 'is late') return answering(fate, call)
  schedule
    .park(rotator)
    .then((late) => answering(late, call))
    .catch(() => {}) // not awaited
  throw new SecretsError('DEADLINE_EXCEEDED', 'no answer in time', { effect: 'unknown' })
}

async function answering<T>(fate: Fate, call: () => Promise<T>): Promise<T> {
  if (fate === 'dies before') return new Promise(() => {})
  if (fate === 'fails') throw new SecretsError('UNAVAILABLE', 'no answer')
  const answer = await call()
  if (fate === 'dies after') return new Promise(() => {})
  if (fate === 'loses its answer') throw new SecretsError('UNAVAILABLE', 'the answer was lost', { effect: 'unknown' })
  return answer
}
