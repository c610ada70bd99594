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

interface Action<Input, Output> {
  readonly input: Input
  readonly output: Output
}

/** The actions of Secrets Manager that we use, by the names that IAM has for them too. */
interface Actions {
  readonly BatchGetSecretValue: Action<BatchGetSecretValueCommandInput, BatchGetSecretValueCommandOutput>
  readonly CreateSecret: Action<CreateSecretCommandInput, CreateSecretCommandOutput>
  readonly DeleteSecret: Action<DeleteSecretCommandInput, DeleteSecretCommandOutput>
  readonly DescribeSecret: Action<DescribeSecretCommandInput, DescribeSecretCommandOutput>
  readonly GetRandomPassword: Action<GetRandomPasswordCommandInput, GetRandomPasswordCommandOutput>
  readonly GetSecretValue: Action<GetSecretValueCommandInput, GetSecretValueCommandOutput>
  readonly ListSecrets: Action<ListSecretsCommandInput, ListSecretsCommandOutput>
  readonly ListSecretVersionIds: Action<ListSecretVersionIdsCommandInput, ListSecretVersionIdsCommandOutput>
  readonly PutSecretValue: Action<PutSecretValueCommandInput, PutSecretValueCommandOutput>
  readonly RestoreSecret: Action<RestoreSecretCommandInput, RestoreSecretCommandOutput>
  readonly RotateSecret: Action<RotateSecretCommandInput, RotateSecretCommandOutput>
  readonly TagResource: Action<TagResourceCommandInput, TagResourceCommandOutput>
  readonly UntagResource: Action<UntagResourceCommandInput, UntagResourceCommandOutput>
  readonly UpdateSecretVersionStage: Action<UpdateSecretVersionStageCommandInput, UpdateSecretVersionStageCommandOutput>
}
export type ActionName = keyof Actions
export type InputOf<Name extends ActionName> = Actions[Name]['input']
export type OutputOf<Name extends ActionName> = Actions[Name]['output']

const reads: ReadonlySet<ActionName> = new Set([
  'BatchGetSecretValue',
  'DescribeSecret',
  'GetRandomPassword',
  'GetSecretValue',
  'ListSecrets',
  'ListSecretVersionIds',
])

/** Whether the action may leave something changed. */
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

/** Whether AWS answers with the ARN of the secret that the action was about. */
export function answersWithArn(action: ActionName): boolean {
  return !aboutNoOneSecret.has(action)
}
