import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type Moto, startMoto } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { failure, providerAt } from './testing/aws-trial.ts'

describeWithServer('moto', 'moto as others start it', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto({ isPlain: true })
  })
  afterAll(() => moto.stop())
  const opened: SecretsManager[] = []
  afterEach(async () => Promise.all(opened.splice(0).map((secrets) => secrets.close())))

  function managed(): SecretsManager {
    const secrets = createSecretsManager({ providers: [providerAt(moto.url)] })
    opened.push(secrets)
    return secrets
  }

  it('reads, lists and takes first values, and has no secret that was not written', async () => {
    const secrets = managed()
    await expect(secrets.getSecret('db')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const name of ['db', 'other']) await secrets.storeSecret(name, `of ${name}`)
    expect([await secrets.getSecret('db'), await secrets.getSecret('db', { version: 1 })]).toEqual(['of db', 'of db'])
    expect(Object.values(await secrets.getSecrets(['db', 'other'], { fresh: true }))).toEqual(['of db', 'of other'])
    const paths: string[] = []
    for await (const { path } of secrets.listSecrets()) paths.push(path)
    expect(paths.toSorted()).toEqual(['db', 'other'])
  })

  it('answers with the old value after a second write, as the guide warns', async () => {
    const secrets = managed()
    for (const value of ['v1', 'v2']) await secrets.storeSecret('twice', value)
    expect(await secrets.getSecret('twice', { fresh: true })).toBe('v1')
  })

  it.each(['describeSecret', 'deleteSecret', 'restoreSecret'] as const)(
    'has no answer for %s, which the error says to be of the endpoint',
    async (call) => {
      const secrets = managed()
      await secrets.storeSecret(call, 'v1')
      expect(await failure(secrets[call](call))).toMatchObject({ code: 'INTERNAL', remedy: expect.stringContaining('emulators') })
    },
  )
})
