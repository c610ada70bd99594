import { expect, test, vi } from 'vitest'
import { type AwsIamOptions, awsIam } from './aws-iam.ts'
import { signedHeaders } from './sign-aws.ts'
import { codeOf, context, failure, stubbed, stubVault, timesAsked } from '../testing/stub-vault.ts'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

test("a request is signed as AWS's own test suite has it (post-x-www-form-urlencoded)", () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Host: 'example.amazonaws.com' }
  const request = { service: 'service', region: 'us-east-1', path: '/', headers, body: 'Param1=value1' }
  expect(signedHeaders(request, keys, new Date('2015-08-30T12:36:00Z'))['Authorization']).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  )
})

async function loginBody(options: Partial<AwsIamOptions>): Promise<Record<string, string>> {
  const stub = await stubVault()
  const provider = stubbed(stub, { auth: awsIam({ role: 'app', credentials: keys, ...options }) })
  expect(await codeOf(provider.get('app', context))).toBe('ok')
  return JSON.parse(stub.requests.find(({ path }) => path.endsWith('login'))?.body ?? '') as Record<string, string> // what we sent
}

const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString()

test('a login proves our identity to STS, and holds no key', async () => {
  const body = await loginBody({
    region: 'eu-west-1',
    serverId: 'vault.example',
    credentials: async () => ({ ...keys, sessionToken: 'temporary' }),
  })
  expect([body['role'], body['iam_http_request_method'], text(body['iam_request_url'])]).toEqual([
    'app',
    'POST',
    'https://sts.eu-west-1.amazonaws.com/',
  ])
  expect(text(body['iam_request_body'])).toBe('Action=GetCallerIdentity&Version=2011-06-15')
  const headers = JSON.parse(text(body['iam_request_headers'])) as Record<string, string> // the same
  expect(headers).toMatchObject({
    Host: 'sts.eu-west-1.amazonaws.com',
    'X-Vault-AWS-IAM-Server-ID': 'vault.example',
    'X-Amz-Security-Token': 'temporary',
  })
  expect(headers['Authorization']).toMatch(
    /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sts\/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-vault-aws-iam-server-id, /,
  )
  expect(JSON.stringify(headers)).not.toContain(keys.secretAccessKey)
})

test("China's regions have endpoints of another domain", async () => {
  expect(text((await loginBody({ region: 'cn-north-1' }))['iam_request_url'])).toBe('https://sts.cn-north-1.amazonaws.com.cn/')
})

test('the global endpoint is asked where no region is given', async () => {
  expect(text((await loginBody({}))['iam_request_url'])).toBe('https://sts.amazonaws.com/')
})

test('keys that were refused are not sent again, though each login is signed anew', async () => {
  const stub = await stubVault((path) => (path.endsWith('login') ? { status: 400, body: { errors: ['x'] } } : undefined))
  const provider = stubbed(stub, { auth: awsIam({ role: 'app', credentials: keys }) })
  expect((await failure(provider.get('app', context))).code).toBe('UNAUTHENTICATED')
  vi.setSystemTime(Date.now() + 5000)
  expect((await failure(provider.get('app', context))).code).toBe('UNAUTHENTICATED')
  vi.useRealTimers()
  expect(timesAsked(stub, '/v1/auth/aws/login')).toBe(1)
})

test('missing keys and an invalid region are errors', async () => {
  const stub = await stubVault()
  const none = stubbed(stub, { auth: awsIam({ role: 'app', credentials: { accessKeyId: '', secretAccessKey: '' } }) })
  expect(await codeOf(none.get('app', context))).toBe('CREDENTIALS_MISSING')
  expect(() => awsIam({ role: 'app', credentials: keys, region: 'a.example/' })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  expect(stub.requests).toEqual([])
})
