import { httpCall } from './http-call.ts'

interface TestAccount {
  readonly account: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string }
}

/** What a test's client of AWS signs with; the account is that of moto. */
export const testAccount: TestAccount = {
  account: '123456789012',
  region: 'eu-west-1',
  credentials: {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'c4n4ry-of-the-secret-key-Zq9',
    sessionToken: 'c4n4ry-of-the-token-Bk2',
  },
}

/** What stands in `X-Amz-Target` before the action, by the name under which AWS signs. */
const targets = { secretsmanager: 'secretsmanager', ssm: 'AmazonSSM' } as const

/** A service that speaks JSON 1.1, and where it is asked. */
export interface AwsService {
  /** Such as moto's. */
  readonly url: string
  readonly service: keyof typeof targets
  /** Default: that of `testAccount`. */
  readonly region?: string
}

interface AwsFault {
  readonly __type?: string
  readonly message?: string
  readonly Message?: string
}

/** Calls moto without a provider or the SDK, as the console would. Throws what an error's answer says. */
export async function awsCall<Answer extends object>(
  { url, service, region = testAccount.region }: AwsService,
  action: string,
  input: object,
): Promise<Answer> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `${targets[service]}.${action}`,
    authorization: `AWS4-HMAC-SHA256 Credential=${testAccount.credentials.accessKeyId}/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  }
  const { status, text } = await httpCall(url, { method: 'POST', headers, body: input })
  if (status === 200) return JSON.parse(text) as Answer // of the actions that tests call
  const { __type: name, message, Message = message } = JSON.parse(text) as AwsFault // of any error
  throw new Error(`${status} ${name}: ${Message}`)
}
