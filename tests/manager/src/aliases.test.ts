import {
  createSecretsManager,
  type ProviderFromEnv,
  secretsManagerFromEnv,
  type SecretsManager,
  type SecretValue,
} from '@finchat/secrets-core'
import { canServe, liveSecret, useSecret } from '@finchat/secrets-core/live'
import { pendingSecret, promoteSecret, stageSecret } from '@finchat/secrets-core/staging'
import { memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { codeOf, failureOf, readOnly } from './testing/manager-trial.ts'

const canary = 'canary-of-a-value'
const login = { username: 'app', password: canary }
const aliases = {
  DB_USER: { name: 'db', field: 'username' },
  DB_PASSWORD: { name: 'db', field: 'password' },
  DB: { name: 'db', json: true },
  STRIPE: { name: 'stripe-key' },
}

async function filled(options: { readonly audit?: ReturnType<typeof memoryAuditTrail> } = {}): Promise<SecretsManager> {
  const secrets = createSecretsManager({ providers: [memoryProvider()], aliases, ...options })
  await secrets.storeSecret('db', login)
  await secrets.storeSecret('stripe-key', 'sk')
  return secrets
}

describe('an alias', () => {
  it('reads the secret, its field, or the JSON text of its fields, again from memory', async () => {
    const secrets = await filled()
    for (let round = 0; round < 2; round += 1) {
      expect(await secrets.getSecrets(['DB_USER', 'DB_PASSWORD', 'DB', 'STRIPE'])).toEqual({
        DB_USER: 'app',
        DB_PASSWORD: canary,
        DB: JSON.stringify(login),
        STRIPE: 'sk',
      })
      expect([await secrets.getSecret('DB_USER'), await secrets.getSecret('DB')]).toEqual(['app', JSON.stringify(login)])
      const value = await secrets.getSecretValue('DB')
      expect([value.reveal(), value.jsonText(), value.json()]).toEqual([JSON.stringify(login), JSON.stringify(login), login])
      expect(await secrets.getSecret('DB', { field: 'username' })).toBe('app')
    }
    expect(await codeOf(secrets.getSecret('db'))).toBe('INVALID_ARGUMENT') // under its own name it has several fields
    expect((await secrets.getSecretValue('db')).jsonText()).toBe(JSON.stringify(login))
  })

  it('of a field writes that field, and keeps the others', async () => {
    const secrets = await filled()
    await secrets.storeSecret('DB_PASSWORD', 'next')
    expect((await secrets.getSecretValue('db')).json()).toEqual({ username: 'app', password: 'next' })
    await secrets.storeSecret('DB', '{"username":"b","password":"c"}')
    expect((await secrets.getSecretValue('db')).json()).toEqual({ username: 'b', password: 'c' })
  })

  it('is verified, also as the former value within the grace', async () => {
    const secrets = await filled()
    expect([await secrets.verifySecret('DB_PASSWORD', canary), await secrets.verifySecret('DB', JSON.stringify(login))]).toEqual([
      true,
      true,
    ])
    await secrets.rotateSecret('DB_PASSWORD', 'next')
    expect(await secrets.verifySecret('DB', JSON.stringify(login))).toBe(false)
    expect(await secrets.verifySecret('DB', JSON.stringify(login), { acceptPreviousForSeconds: 60 })).toBe(true)
    expect(await secrets.verifySecret('DB_PASSWORD', canary, { acceptPreviousForSeconds: 60 })).toBe(true)
  })

  it('is described, tagged and restored; only that of a whole secret is deleted', async () => {
    const secrets = await filled()
    expect(await secrets.describeSecret('DB_USER')).toMatchObject({ version: 1 })
    await secrets.tagSecret('STRIPE', { team: 'pay' })
    expect(await codeOf(secrets.deleteSecret('DB_USER'))).toBe('UNSUPPORTED')
    await secrets.deleteSecret('STRIPE')
    expect(await codeOf(secrets.getSecret('stripe-key'))).toBe('DELETED')
    await secrets.restoreSecret('STRIPE')
    expect(await secrets.getSecret('stripe-key')).toBe('sk')
    const listed: unknown[] = []
    for await (const { path, tags } of secrets.listSecrets()) listed.push([path, tags])
    expect(listed).toEqual([
      ['db', {}],
      ['stripe-key', { team: 'pay' }],
    ])
  })

  it('is followed, staged and promoted, and shows in readiness', async () => {
    await using secrets = await filled()
    const live = liveSecret(secrets, 'DB_PASSWORD')
    await live.ready
    await stageSecret(secrets, 'DB_PASSWORD', 'next')
    const pending = await pendingSecret(secrets, 'DB_PASSWORD')
    expect([live.current.reveal(), pending?.value.reveal()]).toEqual([canary, 'next'])
    if (pending !== undefined) await promoteSecret(secrets, 'DB_PASSWORD', pending)
    const isAuthError = (error: unknown): boolean => error instanceof RangeError
    const logIn = async (value: SecretValue): Promise<string> => {
      if (value.reveal() === canary) throw new RangeError('refused')
      return value.reveal()
    }
    expect(await useSecret(secrets, 'DB_PASSWORD', logIn, { isAuthError })).toBe('next')
    expect((await canServe(secrets, ['DB_USER', 'DB'])).ok).toBe(true)
  })

  it('is the name in records, and a secret of the same name is not reached', async () => {
    const audit = memoryAuditTrail()
    const secrets = createSecretsManager({
      providers: [memoryProvider({ secrets: { A: 'of A', B: 'of B' } })],
      audit,
      aliases: { A: { name: 'B' } },
    })
    expect([await secrets.getSecret('A'), await secrets.getSecret('B')]).toEqual(['of B', 'of B'])
    expect(audit.events().map(({ name }) => name)).toEqual(['A', 'B'])
  })

  it('that is missing says so by its own name, and how to map the name that is located', async () => {
    const own: ProviderFromEnv = (reader) => {
      reader.optional('FINCHAT_OWN_NAMES')
      return readOnly('own', async () => undefined)
    }
    const secrets = secretsManagerFromEnv({ own }, { env: { FINCHAT_SECRETS_PROVIDER: 'own' }, aliases })
    const error = await failureOf(secrets.getSecret('DB_USER'))
    expect([error.message, error.remedy]).toEqual([
      "Secret 'DB_USER' not found in any provider",
      'if it is kept under another path, map it in FINCHAT_OWN_NAMES: db=path or db=path#field',
    ])
    expect(JSON.stringify(error)).not.toContain(canary)
  })

  it('that is malformed is refused when the manager is made', () => {
    expect(() => createSecretsManager({ providers: [memoryProvider()], aliases: { A: { name: '' } } })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
  })
})
