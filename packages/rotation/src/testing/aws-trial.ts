import { awsRotationHandler, type AwsRotationHandler, type AwsRotationOptions } from '../aws/aws-rotation-handler.ts'
import type { AwsRotationStep } from '../aws/rotation-event.ts'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { allSteps } from './aws-world.ts'
import { MemoryAws } from './memory-aws.ts'
import { MemoryServer, memoryFunctions } from './memory-server.ts'

/** The value that the server accepts at first. */
export const first = 'the first password'

/** One secret in AWS, one server, and a rotation function between them. */
export interface AwsTrial {
  readonly aws: MemoryAws
  readonly server: MemoryServer
  readonly handler: AwsRotationHandler
  readonly step: (step: AwsRotationStep, token?: string) => Promise<void>
  /** As RotateSecret: all steps. */
  readonly rotate: (token: string) => Promise<void>
}

interface Changes extends Partial<AwsRotationOptions> {
  readonly aws?: MemoryAws
  readonly members?: (target: RotationTarget) => Partial<RotationTarget>
}

export function awsTrial({ aws = new MemoryAws(first), members = () => ({}), ...options }: Changes = {}): AwsTrial {
  const server = new MemoryServer()
  const target = functionTarget(memoryFunctions(server))
  let made = 0
  const generate = (): string => `password ${(made += 1)}`
  const handler = awsRotationHandler({ client: aws, target: { ...target, ...members(target) }, generate, graceSeconds: 0, ...options })
  const step = (Step: AwsRotationStep, ClientRequestToken = 'one'): Promise<void> => handler({ Step, SecretId: 'db', ClientRequestToken })
  const rotate = async (token: string): Promise<void> => {
    aws.begin(token)
    for (const each of allSteps) await step(each, token)
  }
  return { aws, server, handler, step, rotate }
}
