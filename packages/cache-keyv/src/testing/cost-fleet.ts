import assert from 'node:assert/strict'
import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { vi } from 'vitest'
import { keyvCache } from '../keyv-cache.ts'
import { encryptionKey } from './fleet.ts'
import { type Lie, LyingStore } from './lying-store.ts'
import { withClock } from './own-clocks.ts'

/** What happens at the begin of a phase, which reads follow. */
export interface Phase {
  readonly lie: Lie
  readonly seconds: number
  /** `outage`: the value changes, and the store refuses all calls of the phase. */
  readonly event: 'none' | 'write' | 'change elsewhere' | 'restart' | 'fresh read' | 'outage'
  /** The process that the event concerns. */
  readonly by: number
}

export interface Schedule {
  /** How far the clock of each process is ahead. */
  readonly skewsMs: readonly number[]
  /** Whether the store numbers its values. */
  readonly hasVersions: boolean
  readonly phases: readonly Phase[]
}

interface Process {
  readonly skewMs: number
  secrets: SecretsManager
}

const written = 'token'
const names = ['database', written]
const readEveryMs = 6_000
const ttlMs = 300_000
/** A server that lies can say for so long that another process asks: the value is `stale` meanwhile. */
const trustedMs = 60_000
/** Until a write shows in all processes: `recheckSeconds`, and the reads of it. */
const shownAfterMs = 6_000
/** Until each process by itself has a new value after an outage: it may rest for a minute, and wait for its circuit. */
const returnMs = 120_000

/** Processes over one store that counts its calls. Checks how old their answers are. */
export class CostFleet {
  calls = 0
  readonly #cache: LyingStore | undefined
  readonly #processes: readonly Process[]
  /** When each number was current, by the clock of the test. */
  readonly #currentUntil: number[] = [Infinity]
  #lastWrite = { value: 0, at: Infinity }
  #hasLied = false
  #isDown = false
  /** Since when the store answers again. */
  #upSince = -Infinity
  readonly #reading: Promise<void>[] = []

  readonly #hasVersions: boolean

  constructor({ skewsMs, hasVersions }: Omit<Schedule, 'phases'>, hasSharedCache: boolean) {
    this.#hasVersions = hasVersions
    this.#cache = hasSharedCache ? new LyingStore() : undefined
    this.#processes = skewsMs.map((skewMs) => ({ skewMs, secrets: this.#started(skewMs) }))
  }

  async run(phases: readonly Phase[]): Promise<void> {
    for (const { lie, seconds, event, by } of phases) {
      if (this.#cache !== undefined) this.#cache.lie = lie
      this.#hasLied ||= lie !== 'honest'
      this.#setDown(event === 'outage')
      await this.#happen(event, this.#processes[by % this.#processes.length] ?? assert.fail('no process'))
      for (let ms = 0; ms < seconds * 1_000; ms += readEveryMs) {
        this.#readAll()
        await vi.advanceTimersByTimeAsync(readEveryMs)
      }
    }
  }

  /** Rejects with the first answer that was too old. */
  async end(): Promise<void> {
    await Promise.all(this.#reading)
    const closing = Promise.all(this.#processes.map(({ skewMs, secrets }) => withClock(skewMs, () => secrets.close())))
    await vi.advanceTimersByTimeAsync(60_000)
    await closing
  }

  async #happen(event: Phase['event'], process: Process): Promise<void> {
    const { skewMs, secrets } = process
    if (event === 'change elsewhere' || event === 'outage') this.#change()
    if (event === 'restart') process.secrets = this.#started(skewMs)
    if (event === 'fresh read') withClock(skewMs, () => secrets.getSecret(written, { fresh: true })).catch(() => {})
    if (event !== 'write') return
    const value = this.#currentUntil.length
    const isConfirmed = withClock(skewMs, () => secrets.rotateSecret(written, `${value}`)).then(
      () => true,
      () => false,
    )
    await vi.advanceTimersByTimeAsync(5_000)
    this.#lastWrite = (await isConfirmed) ? { value, at: performance.now() } : { value: 0, at: Infinity }
  }

  #readAll(): void {
    const askedAt = performance.now()
    for (const { skewMs, secrets } of this.#processes) {
      for (const name of names) {
        const reading = withClock(skewMs, () => secrets.getSecret(name)).then(
          (value) => this.#check(name, Number(value), askedAt),
          (error: unknown) => assert.ok(SecretsError.isInstance(error) && this.#isReturning, 'a read failed'),
        )
        reading.catch(() => {})
        this.#reading.push(reading)
      }
    }
  }

  #setDown(isDown: boolean): void {
    if (this.#isDown && !isDown) this.#upSince = performance.now()
    this.#isDown = isDown
  }

  /** Stale answers are right. */
  get #isReturning(): boolean {
    return this.#isDown || performance.now() < this.#upSince + returnMs
  }

  /** What is in time when it is asked for may be answered later. */
  #check(name: string, value: number, askedAt: number): void {
    const now = performance.now()
    const areClocksEqual = this.#processes.every(({ skewMs }) => skewMs === this.#processes[0]?.skewMs)
    const until = this.#currentUntil[value] ?? assert.fail('an unknown value')
    // A server that lies keeps entries of a clock that is ahead until they look young.
    if (areClocksEqual && !this.#isReturning)
      assert.ok(askedAt - until <= ttlMs + trustedMs, `a value was served ${askedAt - until} ms after it was replaced`)
    const isShown = name !== written || now < this.#lastWrite.at + shownAfterMs || value >= this.#lastWrite.value
    if (this.#cache !== undefined && !this.#hasLied) assert.ok(isShown, `${value} was served after ${this.#lastWrite.value} was written`)
  }

  #change(): void {
    this.#currentUntil[this.#currentUntil.length - 1] = performance.now()
    this.#currentUntil.push(Infinity)
  }

  #version(): { readonly version?: number } {
    return this.#hasVersions ? { version: this.#currentUntil.length } : {}
  }

  #started(skewMs: number): SecretsManager {
    return withClock(skewMs, () => {
      const cache = this.#cache && { shared: keyvCache({ store: this.#cache, encryptionKey, settleMs: 1 }) }
      return createSecretsManager({ providers: [this.#provider()], cache })
    })
  }

  #provider(): SecretProvider {
    return {
      specificationVersion: 'v1',
      name: 'store',
      sharedAs: 'store',
      get: async () => {
        this.calls += 1
        if (this.#isDown) throw new SecretsError('UNAVAILABLE', 'the store is down')
        return { value: `${this.#currentUntil.length - 1}`, ...this.#version() }
      },
      put: async () => {
        if (this.#isDown) throw new SecretsError('UNAVAILABLE', 'the store is down')
        this.#change()
        return this.#version()
      },
    }
  }
}
