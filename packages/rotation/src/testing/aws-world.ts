import { awsRotationHandler, type AwsRotationHandler } from '../aws/aws-rotation-handler.ts'
import type { AwsRotationClient } from '../aws/client.ts'
import type { AwsRotationStep } from '../aws/rotation-event.ts'
import type { RotationTarget } from '../targets/target.ts'
import { MemoryAws } from './memory-aws.ts'
import { FarSide, type Slots } from './rotation-world.ts'
import { callWhenChosen, Schedule, settled } from './schedule.ts'

const neverAborted = new AbortController().signal

export const allSteps: readonly AwsRotationStep[] = ['createSecret', 'setSecret', 'testSecret', 'finishSecret']

interface WorldOptions {
  readonly isFenced?: boolean
  readonly dropsPending?: boolean
  readonly isBad?: (number: number) => boolean
}

/** One secret in AWS, one far side, and invocations whose every call waits for the schedule. */
export class AwsWorld {
  readonly schedule: Schedule = new Schedule()
  readonly aws: MemoryAws
  readonly farSide: FarSide
  /** So many of the next tests are refused, as while a server is overloaded. */
  refusals = 0
  readonly ended: Map<number, PromiseSettledResult<void>> = new Map()
  readonly #isBad: (number: number) => boolean
  /** What each value was made from. */
  readonly #madeFrom = new Map<string, string>()
  #isByHand = false
  #tokens = 0
  #made = 0

  constructor(slots: Slots, { isFenced = true, dropsPending = false, isBad = () => false }: WorldOptions = {}) {
    this.farSide = new FarSide(slots, isFenced)
    this.aws = new MemoryAws(this.farSide.passwords[0] ?? '')
    this.aws.dropsPending = dropsPending
    this.#isBad = isBad
    this.#watch()
  }

  /** As RotateSecret, which goes on with a rotation that was not completed. */
  begin(): string {
    const waiting = this.aws.holder('AWSPENDING')
    const token = waiting !== undefined && waiting !== this.aws.holder('AWSCURRENT') ? waiting : `token-${(this.#tokens += 1)}`
    if (token !== waiting) this.aws.begin(token)
    return token
  }

  /** As an operator who gives up a rotation. */
  cancel(): void {
    this.aws.remove('AWSPENDING')
  }

  /** As somebody with the console, who changes the password at the far side and writes it. */
  writeByHand(): void {
    const user = this.aws.valueOf('AWSCURRENT')?.slice(0, 1) ?? 'a'
    const value = `${user} by hand ${(this.#tokens += 1)}`
    this.farSide.setByHand(value)
    this.#byHand(() => this.aws.write(`by hand ${this.#tokens}`, value))
  }

  /** As somebody who goes back to the version before, at the far side too. */
  goBack(): void {
    const [holder, previous] = [this.aws.holder('AWSCURRENT'), this.aws.holder('AWSPREVIOUS')]
    const value = this.aws.valueOf('AWSPREVIOUS')
    if (previous === undefined || value === undefined || value.endsWith('bad') || previous === this.aws.holder('AWSPENDING')) return
    this.farSide.setByHand(value)
    const move = { SecretId: 'db', VersionStage: 'AWSCURRENT', RemoveFromVersionId: holder, MoveToVersionId: previous }
    this.#byHand(() => void this.aws.updateSecretVersionStage(move, { abortSignal: neverAborted }))
  }

  #byHand(change: () => void): void {
    this.#isByHand = true
    change()
    this.#isByHand = false
  }

  /** Values that the function made current in place of another than that which they were made from. */
  readonly undone: string[] = []

  #watch(): void {
    this.aws.moved = (from, to) => {
      const base = this.#madeFrom.get(to ?? '')
      const isBack = this.#madeFrom.get(from ?? '') === to // a rollback overtook the promotion
      if (!this.#isByHand && !isBack && base !== from) this.undone.push(`${from} was replaced by ${to}, made from ${base}`)
    }
  }

  /** Invokes the function with calls that only go on as the schedule lets them. */
  async invoke(invocation: number, step: AwsRotationStep, token: string): Promise<void> {
    const handler = this.#handler(this.#scheduledClient(invocation), this.#scheduledTarget(invocation))
    const settle = (result: PromiseSettledResult<void>): void => void this.ended.set(invocation, result)
    handler({ Step: step, SecretId: 'db', ClientRequestToken: token }).then(
      (value) => settle({ status: 'fulfilled', value }),
      (reason: unknown) => settle({ status: 'rejected', reason }),
    )
    await settled()
  }

  /** Goes through steps undisturbed, as AWS does. */
  async go(token: string, steps: readonly AwsRotationStep[] = allSteps): Promise<void> {
    const handler = this.#handler(this.aws, this.farSide.target)
    for (const step of steps) await handler({ Step: step, SecretId: 'db', ClientRequestToken: token })
  }

  async rotate(): Promise<void> {
    await this.go(this.begin())
  }

  async current(): Promise<string> {
    return this.aws.valueOf('AWSCURRENT') ?? ''
  }

  async pending(): Promise<string | undefined> {
    return this.aws.valueOf('AWSPENDING')
  }

  #handler(client: AwsRotationClient, target: RotationTarget): AwsRotationHandler {
    const generate = (): string => {
      this.#made += 1
      return `password ${this.#made}${this.#isBad(this.#made) ? ' bad' : ''}`
    }
    const next: RotationTarget['next'] = async (current, ...rest) => {
      const value = await target.next(current, ...rest)
      if (typeof value === 'string') this.#madeFrom.set(value, current.reveal())
      return value
    }
    return awsRotationHandler({ client, target: { ...target, next }, generate, graceSeconds: 0 })
  }

  #scheduledClient(invocation: number): AwsRotationClient {
    const { describeSecret, getSecretValue, putSecretValue, updateSecretVersionStage } = this.aws
    return {
      describeSecret: this.#waits(invocation, describeSecret),
      getSecretValue: this.#waits(invocation, getSecretValue),
      putSecretValue: this.#waits(invocation, putSecretValue),
      updateSecretVersionStage: this.#waits(invocation, updateSecretVersionStage),
    }
  }

  #scheduledTarget(invocation: number): RotationTarget {
    const { next, apply, test, retire } = this.farSide.target
    return {
      next,
      apply: this.#waits(invocation, apply),
      test: this.#waits(invocation, async (...args: Parameters<typeof test>) => {
        if (this.refusals === 0) return test(...args)
        this.refusals -= 1
        return 'refused' as const
      }),
      ...(retire && { retire: this.#waits(invocation, retire) }),
    }
  }

  #waits<Args extends unknown[], Answer>(invocation: number, call: (...args: Args) => Promise<Answer>): (...args: Args) => Promise<Answer> {
    return (...args) => callWhenChosen(this.schedule, invocation, () => call(...args))
  }
}
