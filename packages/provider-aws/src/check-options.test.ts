import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { awsProvider } from './aws-provider.ts'
import type { AwsProviderOptions } from './model/options.ts'

function refusal(options: unknown): string {
  try {
    awsProvider(options as AwsProviderOptions) // as JavaScript may pass it
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'CONFIGURATION') return error.message
  }
  throw new Error('the options are accepted')
}

test('bad options are refused at once, each in its own words', () => {
  const client = new SecretsManagerClient({ region: 'eu-west-1' })
  const messages = [
    refusal('eu-west-1'),
    refusal({ regoin: 'eu-west-1' }),
    refusal({ region: 'eu west' }),
    refusal({ region: 1 }),
    refusal({ clientConfig: { region: 'eu west' } }),
    refusal({ region: 'eu-west-1', clientConfig: { region: 'eu-west-2' } }),
    refusal({ endpoint: 'secretsmanager.example' }),
    refusal({ clientConfig: null }),
    refusal({ clientConfig: { endpoint: 'http://secretsmanager.example' } }),
    refusal({ endpoint: 'https://user:c4n4ry@secretsmanager.example' }),
    refusal({ client: { send: () => {} } }),
    refusal({ client, clientConfig: {} }),
    refusal({ client, region: 'eu-west-1' }),
    refusal({ timeoutMs: 0 }),
    refusal({ account: '123' }),
    refusal({ account: '123456789012' }),
    refusal({ recoveryWindowDays: 6 }),
    refusal({ coalesceReads: 'yes' }),
    refusal({ names: { TOKEN: '#' } }),
  ]
  expect(new Set(messages).size).toBe(messages.length)
  expect(messages.join()).not.toContain('c4n4ry')
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) expect(refusal({ timeoutMs })).toMatch(/timeoutMs/)
  for (const recoveryWindowDays of [31, 7.5, Number.NaN]) expect(refusal({ recoveryWindowDays })).toMatch(/7 to 30/)
  client.destroy()
})

test('a region has the shape of one', () => {
  const real = ['us-east-1', 'ap-southeast-7', 'us-gov-west-1', 'cn-northwest-1', 'us-iso-east-1', 'us-isob-east-1', 'eu-isoe-west-1']
  for (const region of [...real, 'eusc-de-east-1', 'mx-central-1', 'il-central-1']) {
    expect(awsProvider({ region }).name, region).toBe('aws')
    expect(awsProvider({ clientConfig: { region } }).name, region).toBe('aws')
  }
  for (const region of [
    'eu-west1',
    'eu-west-1a',
    'euwest-1',
    'EU-WEST-1',
    'eu_west_1',
    'eu-west-',
    'eu-west',
    '',
    'us-east-1 ',
    'us-east-1.example',
  ]) {
    expect(refusal({ region }), region).toMatch(/`region` is not a region/)
    expect(refusal({ clientConfig: { region } }), region).toMatch(/`clientConfig.region` is not a region/)
  }
})

test('an endpoint in `clientConfig` does not compile, and is refused', () => {
  // @ts-expect-error it is an option of its own
  expect(() => awsProvider({ clientConfig: { endpoint: 'https://secretsmanager.example' } })).toThrow('`clientConfig` has an endpoint')
})

test('two regions are one too many, unless they are the same', () => {
  expect(awsProvider({ region: 'eu-west-1', clientConfig: { region: 'eu-west-1' } }).name).toBe('aws')
  const told = /`region` and `clientConfig.region` are two regions/
  expect(refusal({ region: 'eu-west-1', clientConfig: { region: 'eu-west-2' } })).toMatch(told)
  expect(refusal({ region: 'eu-west-1', clientConfig: { region: async () => 'eu-west-1' } })).toMatch(told)
  expect(awsProvider({ clientConfig: { region: async () => 'eu-west-1' } }).name).toBe('aws')
})

test('an endpoint without a scheme says what to write', () => {
  for (const endpoint of ['secretsmanager.example', 'localhost:5000', '127.0.0.1:5000', '//localhost']) {
    expect(refusal({ endpoint }), endpoint).toBe('`endpoint` is not an https URL (write https://…, or http://… for this machine)')
  }
})

test('an endpoint is https, or on this machine', () => {
  for (const endpoint of [
    'https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com',
    'http://localhost:5000',
    'http://127.0.0.1:5000',
    'http://[::1]:5000',
  ]) {
    expect(awsProvider({ endpoint }).name).toBe('aws')
  }
  for (const more of ['user@aws.example', ':c4n4ry@aws.example', 'aws.example/?c4n4ry', 'aws.example/#c4n4ry']) {
    expect(refusal({ endpoint: `https://${more}` }), more).toMatch(/more than scheme, host, port and path/)
  }
  for (const endpoint of ['http://secretsmanager.example', 'http://127.0.0.1.example', 'ftp://localhost', '//localhost', '']) {
    expect(refusal({ endpoint }), endpoint).toMatch(/https/)
  }
})

test('names, prefix and onlyNamed place names as for every provider; the name is its own', () => {
  const provider = awsProvider({ names: { TOKEN: 'prod/api#token', AWS_OWNED: 'rds!db-1' }, prefix: 'prod/', name: 'aws-eu' })
  expect(provider.name).toBe('aws-eu')
  expect(provider.locate('TOKEN')).toEqual({ path: 'prod/api', field: 'token' })
  expect(provider.locate('AWS_OWNED')).toEqual({ path: 'rds!db-1' })
  expect(provider.locate('db')).toEqual({ path: 'prod/db' })
  expect(provider.locate('x'.repeat(510))).toBeUndefined()
  expect(awsProvider({ names: {}, onlyNamed: true }).locate('db')).toBeUndefined()
})

test('answers are shared by a fleet only where account and region are said, and never across them or endpoints', () => {
  const [account, region] = ['123456789012', 'eu-west-1']
  expect(awsProvider({ region }).sharedAs).toBeUndefined()
  const one = awsProvider({ account, region })
  expect(one.sharedAs).toBe('aws 123456789012 eu-west-1')
  expect(awsProvider({ account, region, prefix: 'prod/', name: 'other' }).sharedAs).toBe(one.sharedAs)
  const others = [
    awsProvider({ account: '210987654321', region }),
    awsProvider({ account, region: 'eu-west-2' }),
    awsProvider({ account, region, endpoint: 'http://localhost:5000' }),
  ]
  expect(new Set([one, ...others].map(({ sharedAs }) => sharedAs)).size).toBe(4)
})
