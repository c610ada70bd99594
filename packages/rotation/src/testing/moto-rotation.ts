import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import type { Moto } from '@finchat/secrets-test-servers'
import { awsRotationHandler } from '../aws/aws-rotation-handler.ts'
import type { AwsRotationClient } from '../aws/client.ts'
import type { AwsRotationStep } from '../aws/rotation-event.ts'
import { tokenGenerator } from '../generate/token.ts'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { allSteps } from './aws-world.ts'
import { MemoryServer, memoryFunctions } from './memory-server.ts'

const RotationLambdaARN = 'arn:aws:lambda:eu-west-1:123456789012:function:rotate'

export function motoClient(moto: Moto): SecretsManager {
  const credentials = { accessKeyId: 'key', secretAccessKey: 'c4n4ry-of-the-secret-key-Zq9' }
  return new SecretsManager({ region: 'eu-west-1', endpoint: moto.url, credentials, maxAttempts: 1 })
}

/** When an invocation is cut off: at which of its calls, and whether that call still happens. */
export interface Cut {
  readonly at: number
  readonly isDone: boolean
}

/** One secret in moto, one server in memory, and AWS's side of its rotation. */
export class MotoRotation {
  readonly server: MemoryServer = new MemoryServer()
  readonly made: string[] = []
  readonly client: SecretsManager
  readonly #name: string
  #cut: Cut | undefined
  #calls = 0
  #reached: (() => void) | undefined

  static async create(client: SecretsManager, name: string): Promise<MotoRotation> {
    const rotation = new MotoRotation(client, name)
    await client.createSecret({ Name: name, SecretString: rotation.server.passwords[0] })
    return rotation
  }

  private constructor(client: SecretsManager, name: string) {
    this.client = client
    this.#name = name
  }

  /** RotateSecret: the token of the version that is to be made. */
  async begin(): Promise<string> {
    return String((await this.client.rotateSecret({ SecretId: this.#name, RotationLambdaARN })).VersionId)
  }

  /** An operator gives up the rotation of a token. */
  async giveUp(token: string): Promise<void> {
    const move = { SecretId: this.#name, VersionStage: 'AWSPENDING', RemoveFromVersionId: token }
    await this.client.updateSecretVersionStage(move).catch(() => {}) // it may be gone
  }

  async step(Step: AwsRotationStep, token: string): Promise<void> {
    const target = functionTarget(memoryFunctions(this.server))
    const generate = (): string => {
      this.made.push(tokenGenerator()())
      return this.made.at(-1) ?? ''
    }
    const handler = awsRotationHandler({ client: this.#cutClient(), target: this.#cutTarget(target), generate, graceSeconds: 0 })
    await handler({ Step, SecretId: this.#name, ClientRequestToken: token })
  }

  async rotate(token?: string, steps: readonly AwsRotationStep[] = allSteps): Promise<void> {
    const known = token ?? (await this.begin())
    for (const each of steps) await this.step(each, known)
  }

  /** Goes through the steps until the cut. Resolves to the step that was cut off, or undefined. */
  async rotateUntil(token: string, cut: Cut): Promise<AwsRotationStep | undefined> {
    this.#cut = cut
    this.#calls = 0
    const reached = new Promise<'cut'>((resolve) => (this.#reached = () => resolve('cut')))
    try {
      for (const each of allSteps) {
        const step = this.step(each, token)
        step.catch(() => {}) // not awaited once it is cut off
        if ((await Promise.race([step, reached])) === 'cut') return each
      }
      return undefined
    } finally {
      this.#cut = undefined
    }
  }

  async read(VersionStage: string): Promise<string | undefined> {
    const answer = await this.client.getSecretValue({ SecretId: this.#name, VersionStage }).catch(() => undefined)
    return answer?.SecretString
  }

  async canLogIn(): Promise<boolean> {
    return this.server.passwords.includes((await this.read('AWSCURRENT')) ?? '')
  }

  #cutClient(): AwsRotationClient {
    const { client } = this
    return {
      describeSecret: this.#cuts((input, options) => client.describeSecret(input, options)),
      getSecretValue: this.#cuts((input, options) => client.getSecretValue(input, options)),
      putSecretValue: this.#cuts((input, options) => client.putSecretValue(input, options)),
      updateSecretVersionStage: this.#cuts((input, options) => client.updateSecretVersionStage(input, options)),
    }
  }

  #cutTarget({ next, apply, test, retire }: RotationTarget): RotationTarget {
    return { next, apply: this.#cuts(apply), test: this.#cuts(test), ...(retire && { retire: this.#cuts(retire) }) }
  }

  #cuts<Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>): (...args: Args) => Promise<Answer> {
    return async (...args) => {
      this.#calls += 1
      if (this.#cut === undefined || this.#calls <= this.#cut.at) return call(...args)
      if (this.#cut.isDone) await call(...args)
      this.#reached?.()
      return new Promise(() => {})
    }
  }
}
