import type {
  BatchGetSecretValueCommandInput,
  BatchGetSecretValueCommandOutput,
  CreateSecretCommandInput,
  CreateSecretCommandOutput,
  DeleteSecretCommandInput,
  DeleteSecretCommandOutput,
  DescribeSecretCommandInput,
  DescribeSecretCommandOutput,
  GetRandomPasswordCommandInput,
  GetRandomPasswordCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
  ListSecretsCommandInput,
  ListSecretsCommandOutput,
  ListSecretVersionIdsCommandInput,
  ListSecretVersionIdsCommandOutput,
  PutSecretValueCommandInput,
  PutSecretValueCommandOutput,
  RestoreSecretCommandInput,
  RestoreSecretCommandOutput,
  RotateSecretCommandInput,
  RotateSecretCommandOutput,
  SecretsManagerClient,
  SecretsManagerClientConfig,
  TagResourceCommandInput,
  TagResourceCommandOutput,
  UntagResourceCommandInput,
  UntagResourceCommandOutput,
  UpdateSecretVersionStageCommandInput,
  UpdateSecretVersionStageCommandOutput,
} from '@aws-sdk/client-secrets-manager'

export type Sdk = typeof import('@aws-sdk/client-secrets-manager')
export type { SecretsManagerClient, SecretsManagerClientConfig }

/** In errors about its loading. */
export const awsSdk = { what: 'the AWS SDK', name: '@aws-sdk/client-secrets-manager' } as const

interface Action<Input, Output> {
  readonly input: Input
  readonly output: Output
}

/** In an answer about one secret; the API refuses an answer without it. */
interface Identity {
  readonly ARN: string
  readonly Name: string
}

/** The actions in use, by their IAM names. */
interface Actions {
  readonly BatchGetSecretValue: Action<BatchGetSecretValueCommandInput, BatchGetSecretValueCommandOutput>
  readonly CreateSecret: Action<CreateSecretCommandInput, CreateSecretCommandOutput & Identity>
  readonly DeleteSecret: Action<DeleteSecretCommandInput, DeleteSecretCommandOutput & Identity>
  readonly DescribeSecret: Action<DescribeSecretCommandInput, DescribeSecretCommandOutput & Identity>
  readonly GetRandomPassword: Action<GetRandomPasswordCommandInput, GetRandomPasswordCommandOutput>
  readonly GetSecretValue: Action<GetSecretValueCommandInput, GetSecretValueCommandOutput & Identity>
  readonly ListSecrets: Action<ListSecretsCommandInput, ListSecretsCommandOutput>
  readonly ListSecretVersionIds: Action<ListSecretVersionIdsCommandInput, ListSecretVersionIdsCommandOutput & Identity>
  readonly PutSecretValue: Action<PutSecretValueCommandInput, PutSecretValueCommandOutput & Identity>
  readonly RestoreSecret: Action<RestoreSecretCommandInput, RestoreSecretCommandOutput & Identity>
  readonly RotateSecret: Action<RotateSecretCommandInput, RotateSecretCommandOutput & Identity>
  readonly TagResource: Action<TagResourceCommandInput, TagResourceCommandOutput>
  readonly UntagResource: Action<UntagResourceCommandInput, UntagResourceCommandOutput>
  readonly UpdateSecretVersionStage: Action<UpdateSecretVersionStageCommandInput, UpdateSecretVersionStageCommandOutput & Identity>
}
export type ActionName = keyof Actions
export type InputOf<Name extends ActionName> = Actions[Name]['input']
export type OutputOf<Name extends ActionName> = Actions[Name]['output'] & Answered

/** The time in the answer's header: AWS's clock, in whole seconds, as epoch milliseconds. */
interface Answered {
  readonly answeredAt?: number | undefined
}

const reads: ReadonlySet<ActionName> = new Set([
  'BatchGetSecretValue',
  'DescribeSecret',
  'GetRandomPassword',
  'GetSecretValue',
  'ListSecrets',
  'ListSecretVersionIds',
])

/** Whether the action may change something. */
export function changes(action: ActionName): boolean {
  return !reads.has(action)
}

const aboutNoOneSecret: ReadonlySet<ActionName> = new Set([
  'BatchGetSecretValue',
  'GetRandomPassword',
  'ListSecrets',
  'TagResource',
  'UntagResource',
])

/** Whether AWS answers with the secret's ARN. */
export function answersWithArn(action: ActionName): boolean {
  return !aboutNoOneSecret.has(action)
}
