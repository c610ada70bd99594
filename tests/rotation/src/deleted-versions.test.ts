import { createSecretsManager, type SecretsManager, type SecretValue } from '@finchat/secrets-core'
import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
import { functionTarget, retirePrevious, rotate, rotationStatus } from '@finchat/secrets-rotation'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { memorySharedCache } from '@finchat/secrets-testkit'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

describeWithServer('openbao', 'a former version that Vault deletes by delete_version_after', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  /** Versions that are written then are deleted so long after. */
  const deleteAfter = (time: string): Promise<unknown> => bao.api('POST', 'secret/metadata/db', { delete_version_after: time })

  function managed(): SecretsManager {
    const provider = vaultProvider({ url: bao.url, auth: tokenAuth(bao.rootToken) })
    const secrets = createSecretsManager({ providers: [provider], cache: { shared: memorySharedCache() } })
    onTestFinished(() => secrets.close())
    return secrets
  }

  test('is not withdrawn, and a rotation with whenUnused needs force', async () => {
    const secrets = managed()
    await deleteAfter('1s')
    await secrets.storeSecret('db', { password: 'one' })
    await deleteAfter('0s')
    await secrets.storeSecret('db', { password: 'two' })
    const status = async (): Promise<unknown> => rotationStatus(secrets, 'db')
    await expect.poll(status, { timeout: 10_000 }).toMatchObject({ verdict: 'unknown', unreadable: 'deleted' })
    let passwords = ['one', 'two']
    const passwordIn = (value: SecretValue): string => (value.json() as { readonly password: string }).password
    const target = functionTarget({
      apply: async (value) => void (passwords = [...passwords.slice(-1), passwordIn(value)]),
      test: async (value) => (passwords.includes(passwordIn(value)) ? 'accepted' : 'refused'),
      retire: async (old) => void (passwords = passwords.filter((password) => password !== passwordIn(old))),
    })
    const options = { target, whenUnused: true, graceSeconds: 0 }
    expect(await retirePrevious(secrets, 'db', options)).toMatchObject({ outcome: 'notSafe' })
    expect(await retirePrevious(secrets, 'db', { ...options, force: true })).toEqual({ outcome: 'nothing' })
    const next = { ...options, generate: () => 'three' }
    await expect(rotate(secrets, 'db', next)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(passwords).toEqual(['one', 'two'])
    expect(await rotate(secrets, 'db', { ...next, force: true })).toMatchObject({ outcome: 'rotated' })
    expect(passwords).toEqual(['two', 'three'])
  })
})
