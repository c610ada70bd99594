import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { longestTimerMs } from '@finchat/secrets-core/provider'
import { memoryProvider, type MemoryProvider } from '@finchat/secrets-testkit'
import { retirePrevious, rotate, type RotateOptions } from '../index.ts'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { callWhenChosen, Schedule, settled } from './schedule.ts'

const context = { signal: new AbortController().signal }
/** Of the user `a`, where there are users. */
const first = 'a first password'

/**
 * What a far side keeps: the newest password, the newest two, or one for each of two users that
 * take turns.
 */
export type Slots = 1 | 2 | 'users'

/** A far side with a fence. */
export class FarSide {
  readonly slots: Slots
  readonly #isFenced: boolean
  passwords: readonly string[] = [first]
  token = 0

  constructor(slots: Slots, isFenced = true) {
    this.slots = slots
    this.#isFenced = isFenced
  }

  get target(): RotationTarget {
    return functionTarget({
      ...(this.slots === 'users' && {
        next: async (current, generate) => `${current.reveal().startsWith('a ') ? 'b' : 'a'} ${await generate()}`,
      }),
      apply: async (value, { token }, _context, current) => {
        this.#pass(token)
        const kept = this.#keptBeside(value.reveal(), current && Buffer.from(current.bytes()).toString())
        this.passwords = token % 2 === 1 ? [value.reveal()] : [...kept, value.reveal()]
      },
      test: async (value) => (this.accepts(value.reveal()) ? 'accepted' : 'refused'),
      ...(this.slots !== 1 && {
        retire: async (old, current, { token }) => {
          this.#pass(token)
          this.passwords = this.slots === 2 ? [current.reveal()] : this.#withoutUserOf(old.reveal())
        },
      }),
    })
  }

  /** As an operator, whom no fence stops. */
  setByHand(password: string): void {
    this.passwords = [...this.#keptBeside(password, this.passwords.at(-1)), password]
  }

  /** A password that ends in `bad` is set and never accepted, as by a rule of the server. */
  accepts(password: string): boolean {
    return this.passwords.includes(password) && !password.endsWith('bad')
  }

  #keptBeside(password: string, current: string | undefined): readonly string[] {
    if (this.slots === 'users') return this.#withoutUserOf(password)
    return this.slots === 1 ? [] : this.passwords.filter((other) => other !== password && other === current)
  }

  /** The first letter is the user. */
  #withoutUserOf(password: string): readonly string[] {
    return this.passwords.filter((other) => other[0] !== password[0])
  }

  #pass(token: number): void {
    if (this.#isFenced && token < this.token) throw new SecretsError('VERSION_CONFLICT', 'a later attempt was here')
    this.token = Math.max(token, this.token)
  }
}

/** How a call of a rotator ended. */
export interface Ended {
  readonly outcome: string
  readonly version?: number | undefined
}

/** One store, one far side, and rotators whose every call waits for the schedule. */
export class RotationWorld {
  readonly schedule: Schedule = new Schedule()
  readonly store: MemoryProvider = memoryProvider({ secrets: { db: first } })
  readonly farSide: FarSide
  readonly ended: Map<number, PromiseSettledResult<Ended>> = new Map()
  readonly #isBad: (number: number) => boolean
  #made = 0

  constructor(slots: Slots, { isFenced = true, isBad = () => false }: { isFenced?: boolean; isBad?: (number: number) => boolean } = {}) {
    this.farSide = new FarSide(slots, isFenced)
    this.#isBad = isBad
  }

  /** Begins a rotation or a retirement that goes on only as the schedule lets it. */
  async start(rotator: number, call: 'rotate' | 'retire' = 'rotate'): Promise<void> {
    const secrets = createSecretsManager({ providers: [this.#scheduled(rotator)], deadlineMs: longestTimerMs })
    const settle = (result: PromiseSettledResult<Ended>): void => void this.ended.set(rotator, result)
    const { generate, ...retiring } = this.#options(this.#scheduledTarget(rotator), `rotator ${rotator}`)
    const ended: Promise<Ended> =
      call === 'rotate' ? rotate(secrets, 'db', { generate, ...retiring }) : retirePrevious(secrets, 'db', retiring)
    ended.then(
      (value) => settle({ status: 'fulfilled', value }),
      (reason: unknown) => settle({ status: 'rejected', reason }),
    )
    await settled()
  }

  /** Rotates undisturbed, as the next run does. */
  async rotate(): Promise<Ended> {
    return rotate(this.manager(), 'db', this.#options(this.farSide.target, 'the next run'))
  }

  manager(): SecretsManager {
    return createSecretsManager({ providers: [this.store], deadlineMs: longestTimerMs })
  }

  async current(): Promise<string> {
    return String((await this.store.get('db', context))?.value)
  }

  async pending(): Promise<string | undefined> {
    const pending = await this.store.staging.get('db', context)
    return pending && String(pending.value)
  }

  #options(target: RotationTarget, actor: string): RotateOptions {
    const generate = (): string => {
      this.#made += 1
      return `password ${this.#made}${this.#isBad(this.#made) ? ' bad' : ''}`
    }
    return { target, generate, graceSeconds: 0, actor }
  }

  #scheduled(rotator: number): SecretProvider {
    const waits = <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) => {
      return (...args: Args): Promise<Answer> => this.#call(rotator, () => call(...args))
    }
    const { get, getVersion, describe, probe, staging } = this.store
    return {
      ...this.store,
      get: waits(get),
      getVersion: waits(getVersion),
      describe: waits(describe),
      probe: waits(probe),
      staging: { put: waits(staging.put), get: waits(staging.get), promote: waits(staging.promote), discard: waits(staging.discard) },
    }
  }

  #scheduledTarget(rotator: number): RotationTarget {
    const { next, apply, test, retire } = this.farSide.target
    return {
      next,
      apply: (...args) => this.#call(rotator, () => apply(...args)),
      test: (...args) => this.#call(rotator, () => test(...args)),
      ...(retire && { retire: (...args: Parameters<typeof retire>) => this.#call(rotator, () => retire(...args)) }),
    }
  }

  #call<T>(rotator: number, call: () => Promise<T>): Promise<T> {
    return callWhenChosen(this.schedule, rotator, call)
  }
}
