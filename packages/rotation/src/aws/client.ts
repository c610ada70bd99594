interface Sent {
  readonly abortSignal: AbortSignal
}

type Action<Input, Output> = (input: Input, options: Sent) => Promise<Output>

interface OfSecret {
  readonly SecretId: string
}

/** What is used of an answer to GetSecretValue. */
export interface ValueAnswer {
  readonly VersionId?: string | undefined
  readonly VersionStages?: readonly string[] | undefined
  readonly SecretString?: string | undefined
  readonly SecretBinary?: Uint8Array | undefined
  readonly CreatedDate?: Date | undefined
}

/** What is used of an answer to DescribeSecret. */
export interface DescribeAnswer {
  readonly RotationEnabled?: boolean | undefined
  readonly DeletedDate?: Date | undefined
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>> | undefined
}

/** What is used of `SecretsManager` of `@aws-sdk/client-secrets-manager`. */
export interface AwsRotationClient {
  readonly describeSecret: Action<OfSecret, DescribeAnswer>
  readonly getSecretValue: Action<OfSecret & { readonly VersionStage: string }, ValueAnswer>
  readonly putSecretValue: Action<
    OfSecret & {
      readonly ClientRequestToken: string
      readonly RotationToken?: string | undefined
      readonly VersionStages: string[]
      readonly SecretString: string
    },
    object
  >
  readonly updateSecretVersionStage: Action<
    OfSecret & { readonly VersionStage: string; readonly MoveToVersionId?: string; readonly RemoveFromVersionId?: string | undefined },
    object
  >
}

export type ActionName = keyof AwsRotationClient
