import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { programIn } from '../testing/run-program.ts'
import { makeProject } from '../testing/make-project.ts'
import { inWordsOfFile, readSource } from './variables.ts'

describe('a text in words of the configuration file', () => {
  it.each([
    ['FINCHAT_VAULT_TOKEN is not set', 'vault.token (FINCHAT_VAULT_TOKEN) is not set'],
    ['set FINCHAT_ENCRYPTION_KEY_FILE', 'set local.key (FINCHAT_ENCRYPTION_KEY_FILE)'],
    ['map it in FINCHAT_LOCAL_NAMES: A=path', 'map it in local.names (FINCHAT_LOCAL_NAMES): A=path'],
    [
      'vault.token is in the variable FINCHAT_VAULT_TOKEN, which is not set',
      'vault.token is in the variable FINCHAT_VAULT_TOKEN, which is not set',
    ],
    ['vault.tokens of FINCHAT_VAULT_TOKEN', 'vault.tokens of vault.token (FINCHAT_VAULT_TOKEN)'],
    ['local.key (FINCHAT_ENCRYPTION_KEY)', 'local.key (FINCHAT_ENCRYPTION_KEY)'],
    ['name one in FINCHAT_SECRETS_PROVIDER', 'name one in provider (FINCHAT_SECRETS_PROVIDER)'],
  ])('of %j is %j', (text, expected) => {
    expect(inWordsOfFile(text)).toBe(expected)
  })

  it('names a missing token once, also in doctor', async () => {
    const config = {
      provider: 'vault',
      fallbacks: [],
      vault: { url: 'http://127.0.0.1:1', token: { variable: 'FINCHAT_VAULT_TOKEN' } },
      secrets: { A: {} },
    }
    const { run } = programIn(makeProject({ 'finchat-secrets.config.json': JSON.stringify(config) }), {})
    for (const command of ['check', 'doctor']) {
      const { stdout, stderr } = await run([command])
      expect(stdout + stderr).toContain('vault.token is in the variable FINCHAT_VAULT_TOKEN, which is not set')
      expect(stdout + stderr).toContain('set FINCHAT_VAULT_TOKEN, or name another place for vault.token')
    }
  })
})

it.each([
  ['is larger than a credential', 'x'.repeat(2 * 1024 * 1024)],
  ['is no text', Buffer.from([0xff, 0xfe, 0x41])],
])('names the file of a setting once, if it %s', async (_, content) => {
  const folder = makeProject({})
  writeFileSync(join(folder, 'key'), content)
  const error: unknown = await readSource('decoys.key', { file: 'key' }, folder, {}).catch((thrown: unknown) => thrown)
  expect(String(error)).toContain('decoys.key')
  expect(String(error)).not.toMatch(/the file of the file|xxx/)
})
