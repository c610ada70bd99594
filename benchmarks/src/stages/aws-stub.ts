import { randomUUID } from 'node:crypto'
import { startAwsStub, type AwsReply, type AwsRequest } from '@finchat/secrets-test-servers'
import type { Stage } from '../harness/scenario.ts'

/** AWS Secrets Manager on loopback: every secret exists, and every call takes so long. */
export async function awsStage(delayMs: number): Promise<Stage> {
  const stub = await startAwsStub((request: AwsRequest): AwsReply => ({ json: answerTo(request), delayMs }))
  return { setting: { url: stub.url }, end: stub.stop }
}

function answerTo({ action, body }: AwsRequest): object {
  if (action === 'BatchGetSecretValue') return { SecretValues: (body['SecretIdList'] as string[]).map(secretNamed), Errors: [] } // the SDK's type
  return secretNamed(String(body['SecretId']))
}

function secretNamed(name: string): object {
  return {
    ARN: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`,
    Name: name,
    VersionId: randomUUID(),
    SecretString: `the value of ${name}`,
    VersionStages: ['AWSCURRENT'],
    CreatedDate: 1_790_000_000,
  }
}
