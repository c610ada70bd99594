import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest'
import { canaries, context, stubbed, stubVault } from '../testing/stub-vault.ts'

let warnings: MockInstance<typeof process.emitWarning>
beforeEach(() => void (warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()))
afterEach(() => void vi.restoreAllMocks())

test.each(['secret/finchat/token', 'secret/data/finchat/token'])(
  '%s, which is not there, is told once: paths are inside the mount',
  async (path) => {
    const stub = await stubVault((asked) => (asked.includes('/data/') ? { status: 404, body: { errors: [] } } : undefined))
    const provider = stubbed(stub)
    for (const each of ['finchat/token', 'secretive', path, path]) expect(await provider.get(each, context)).toBe(undefined)
    expect(warnings.mock.calls).toEqual([
      [
        "Vault provider 'vault': a path that begins with 'secret/' is not there; paths are inside the mount, without 'secret/' and 'data/'",
        { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_MOUNT_IN_PATH' },
      ],
    ])
  },
)

test('a secret that truly lies there is read, and nothing is told', async () => {
  const provider = stubbed(await stubVault())
  expect((await provider.get('secret/finchat/token', context))?.value).toContain(canaries.value)
  expect(warnings).not.toHaveBeenCalled()
})
