import { invalidArgument } from '@finchat/secrets-core/provider'

/** A step of a rotation, in AWS's order. */
export type AwsRotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret'

const steps: readonly AwsRotationStep[] = ['createSecret', 'setSecret', 'testSecret', 'finishSecret']

/** With what AWS Secrets Manager invokes a rotation function. */
export interface AwsRotationEvent {
  readonly Step: AwsRotationStep
  /** The ARN of the secret. */
  readonly SecretId: string
  /** The id of the version that the rotation makes. */
  readonly ClientRequestToken: string
  /** Sent by AWS where the function assumes a role or is in another account. */
  readonly RotationToken?: string | undefined
}

/** What is used of Lambda's context. */
export interface LambdaContext {
  readonly awsRequestId?: string | undefined
  readonly getRemainingTimeInMillis?: (() => number) | undefined
}

/** Throws `INVALID_ARGUMENT` for what AWS does not send. Other members are ignored: AWS may add some. */
export function checkedEvent(event: AwsRotationEvent): AwsRotationEvent {
  const { Step, SecretId, ClientRequestToken, RotationToken } = Object(event) as AwsRotationEvent // checked below
  if (!steps.includes(Step)) throw notAnEvent(`its Step is none of ${steps.join(', ')}`)
  for (const [name, text] of Object.entries({ SecretId, ClientRequestToken })) if (!isText(text)) throw notAnEvent(`it has no ${name}`)
  if (RotationToken !== undefined && !isText(RotationToken)) throw notAnEvent('its RotationToken is no text')
  return { Step, SecretId, ClientRequestToken, RotationToken }
}

function isText(text: unknown): boolean {
  return typeof text === 'string' && text !== ''
}

function notAnEvent(problem: string): Error {
  return invalidArgument(`the event is not one of a rotation: ${problem}`, 'let AWS Secrets Manager invoke the function')
}

/** Time to tell what went wrong before Lambda ends the process. */
const marginMs = 500

/** Aborted shortly before Lambda ends the process; undefined if its context does not tell when. */
export function signalOf(context: LambdaContext | undefined): AbortSignal | undefined {
  const remainingMs = context?.getRemainingTimeInMillis?.()
  return remainingMs === undefined ? undefined : AbortSignal.timeout(Math.max(0, remainingMs - marginMs))
}
