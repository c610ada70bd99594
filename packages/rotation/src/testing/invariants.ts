import assert from 'node:assert/strict'
import type { RotationWorld } from './rotation-world.ts'

/** What is watched: what the store gives, and what the far side accepts. */
type Watched = Pick<RotationWorld, 'farSide' | 'current' | 'pending'>

/** What must hold after every call of every rotator. */
export class Invariants {
  readonly #world: Watched
  /** Passwords that were set and withdrawn. */
  readonly #gone: Set<string> = new Set()
  #before: readonly string[]

  constructor(world: Watched) {
    this.#world = world
    this.#before = world.farSide.passwords
  }

  async check(): Promise<void> {
    const { farSide } = this.#world
    const [current, pending] = [await this.#world.current(), await this.#world.pending()]
    const works = farSide.accepts(current) || (pending !== undefined && farSide.accepts(pending))
    const isRefusedByRule = farSide.slots === 1 && pending?.endsWith('bad') === true
    assert.ok(works || isRefusedByRule, `current or pending works: ${current}, ${pending}, ${String(farSide.passwords)}`)
    for (const password of this.#before) if (!farSide.passwords.includes(password)) this.#gone.add(password)
    this.#before = farSide.passwords
    const back = farSide.passwords.filter((password) => this.#gone.has(password) && password !== current && password !== pending)
    assert.deepEqual(back, [], 'an old value came back')
  }
}
