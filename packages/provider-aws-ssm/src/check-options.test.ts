import { SSMClient } from '@aws-sdk/client-ssm'
import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import type { SsmProviderOptions } from './model/options.ts'
import { ssmProvider } from './ssm-provider.ts'

function refusal(options: unknown): string {
  try {
    ssmProvider(options as SsmProviderOptions) // as JavaScript may pass it
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'CONFIGURATION') return error.message
  }
  throw new Error('the options are accepted')
}

test('bad options are refused at once, each in its own words', () => {
  const client = new SSMClient({ region: 'eu-west-1' })
  const messages = [
    refusal('eu-west-1'),
    refusal({ regoin: 'eu-west-1' }),
    refusal({ region: 'eu west' }),
    refusal({ region: 1 }),
    refusal({ clientConfig: { region: 'eu west' } }),
    refusal({ region: 'eu-west-1', clientConfig: { region: 'eu-west-2' } }),
    refusal({ endpoint: 'ssm.example' }),
    refusal({ clientConfig: null }),
    refusal({ clientConfig: { endpoint: 'http://ssm.example' } }),
    refusal({ endpoint: 'https://user:c4n4ry@ssm.example' }),
    refusal({ client: { send: () => {} } }),
    refusal({ client, clientConfig: {} }),
    refusal({ client, region: 'eu-west-1' }),
    refusal({ timeoutMs: 0 }),
    refusal({ account: '123' }),
    refusal({ account: '123456789012' }),
    refusal({ tier: 'advanced' }),
    refusal({ keyId: 5 }),
    refusal({ names: { TOKEN: 'no/slash' } }),
  ]
  expect(new Set(messages).size).toBe(messages.length)
  expect(messages.join()).not.toContain('c4n4ry')
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) expect(refusal({ timeoutMs })).toMatch(/timeoutMs/)
  for (const endpoint of ['http://ssm.example', 'https:ssm.example', 'ftp://localhost', 'https://ssm.example?x'])
    expect(refusal({ endpoint })).toMatch(/endpoint/)
  for (const endpoint of ['https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com', 'http://localhost:4566', 'http://[::1]:1'])
    expect(ssmProvider({ region: 'eu-west-1', endpoint }).name).toBe('ssm')
  client.destroy()
})

test('a prefix that lacks its last slash is refused, since no plain name can be held behind it', () => {
  for (const prefix of ['/prod', '/prod-']) expect(refusal({ prefix })).toMatch(/`prefix` can hold no plain name.*end it with \//)
  const locate = (prefix: string, name: string): unknown => ssmProvider({ region: 'eu-west-1', prefix }).locate(name)
  expect(locate('/prod/', 'db')).toEqual({ path: '/prod/db' })
  expect(locate('/prod/app-', 'db')).toEqual({ path: '/prod/app-db' })
  expect(locate('prod-', 'db')).toEqual({ path: 'prod-db' })
  expect([locate('/', 'prod/db'), locate('/', 'db')]).toEqual([{ path: '/prod/db' }, undefined])
  expect(ssmProvider({ region: 'eu-west-1', prefix: '/prod', onlyNamed: true, names: { DB: '/prod/db' } }).locate('DB')).toEqual({
    path: '/prod/db',
  })
})
