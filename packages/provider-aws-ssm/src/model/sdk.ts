import type { SSMClient, SSMClientConfig } from '@aws-sdk/client-ssm'

export type Sdk = typeof import('@aws-sdk/client-ssm')
export type { SSMClient, SSMClientConfig }

/** In errors about its loading. */
export const awsSdk = { what: 'the AWS SDK', name: '@aws-sdk/client-ssm' } as const

/** The actions in use, by their IAM names. */
export type ActionName =
  | 'AddTagsToResource'
  | 'DeleteParameter'
  | 'DescribeParameters'
  | 'GetParameter'
  | 'GetParameterHistory'
  | 'GetParameters'
  | 'GetParametersByPath'
  | 'ListTagsForResource'
  | 'PutParameter'
  | 'RemoveTagsFromResource'

type Command<Name extends ActionName> = Sdk[`${Name}Command`]
export type InputOf<Name extends ActionName> = NonNullable<ConstructorParameters<Command<Name>>[0]>
type Handler<Name extends ActionName> = ReturnType<InstanceType<Command<Name>>['resolveMiddleware']>
export type OutputOf<Name extends ActionName> = Awaited<ReturnType<Handler<Name>>>['output']

/** One action as a message or a request needs it. */
export interface Asked {
  readonly action: ActionName
  /** The name of the parameter; absent for calls on several. */
  readonly name?: string | undefined
  readonly region: string
}

/** Whether the action may change something. */
export function changes(action: ActionName): boolean {
  return /^(Put|Delete|Add|Remove)/.test(action)
}

/** A repetition of an unanswered PutParameter could write the value twice. */
export function isRepeatable(action: ActionName): boolean {
  return action !== 'PutParameter'
}
