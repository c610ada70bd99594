import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { makeProject } from '../testing/make-project.ts'
import { makeDecoy } from './decoy.ts'

const key = randomBytes(32)
const decoy = makeDecoy(key, 'x'.repeat(30))
const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
const published = vi.fn<(message: unknown) => void>()

beforeEach(() => subscribe('finchat.secrets.decoy', published))
afterEach(() => {
  unsubscribe('finchat.secrets.decoy', published)
  vi.clearAllMocks()
})

/** As a stream that has written. */
function written(_: unknown, ...more: unknown[]): boolean {
  const done = more.at(-1)
  if (typeof done === 'function') done()
  return true
}

async function verify(
  presented: string | Uint8Array,
  env: Record<string, string> = {},
  name = 'TOKEN',
): Promise<{ matches: boolean; audit: string }> {
  const audit = { line: 'stderr' }
  const cwd = makeProject({ 'finchat-secrets.config.json': JSON.stringify({ audit, decoys: { key: { variable: 'OUR_KEY' } } }) })
  const lines = vi.spyOn(process.stderr, 'write').mockImplementation(written)
  const { secrets } = await loadConfig({ cwd, env: { OUR_KEY: key.toString('base64'), TOKEN: 'canary-real', ...env } })
  const matches = await secrets.verifySecret(name, presented, { actor: 'webapp', requestId: 'r-1' })
  await secrets.close()
  const text = lines.mock.calls.join('\n')
  lines.mockRestore()
  return { matches, audit: text }
}

describe('a decoy that is presented', () => {
  it.each([
    ['as a text', decoy],
    ['as bytes', Buffer.from(decoy)],
    ['as the password in a URL', `https://app:${makeDecoy(key, 'y')}@db.internal/app`],
  ])('%s is reported by a warning, a channel and an audit record, and matches nothing', async (_, presented) => {
    const { matches, audit } = await verify(presented)
    expect(matches).toBe(false)
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining('A decoy was presented as "TOKEN"'), { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_DECOY' }],
    ])
    expect(published.mock.calls.map(([message]) => message)).toEqual([{ name: 'TOKEN', actor: 'webapp', requestId: 'r-1' }])
    expect(audit).toMatch(/name=TOKEN.*operation=decoy/)
    expect(JSON.stringify([warned.mock.calls, published.mock.calls, audit])).not.toContain(decoy)
  })

  it('is reported if the store cannot be asked, too', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'mounted', FINCHAT_SECRETS_FALLBACKS: '', FINCHAT_MOUNTED_FOLDER: '/no/such/folder' }
    await expect(verify(decoy, env)).rejects.toThrow(/'TOKEN'/)
    expect(published).toHaveBeenCalledOnce()
  })

  it.each(['TOKEN\n\u001b[31mred', 'a"b', '../x', '', 'x'.repeat(600)])(
    'is reported by the name as it is, in one line: %j',
    async (name) => {
      await expect(verify(decoy, {}, name)).rejects.toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
      const [[message]] = warned.mock.calls as [[string]]
      expect(message).toMatch(
        /^A decoy was presented as "[ -~]*[^]*: a program read it from a place without secrets, such as the environment$/,
      )
      expect(message).not.toMatch(/\p{Cc}/u)
      expect(published.mock.calls).toEqual([[expect.objectContaining({ name }), 'finchat.secrets.decoy']])
    },
  )

  it.each([
    ['the real value', 'canary-real'],
    ['another text', 'x'.repeat(30)],
    ['a decoy of another key', makeDecoy(randomBytes(32), 'x'.repeat(30))],
    ['nothing', ''],
  ])('is not %s', async (_, presented) => {
    const { audit } = await verify(presented)
    expect([warned.mock.calls, published.mock.calls]).toEqual([[], []])
    expect(audit).not.toContain('operation=decoy')
  })

  it('is not looked for without a key', async () => {
    const { secrets } = await loadConfig({ cwd: makeProject({ 'package.json': '{}' }), env: { TOKEN: 'x' } })
    expect(await secrets.verifySecret('TOKEN', decoy)).toBe(false)
    expect(published).not.toHaveBeenCalled()
  })

  it('needs a key that is one: the manager is not made', async () => {
    await expect(verify(decoy, { FINCHAT_DECOYS_KEY: 'short' })).rejects.toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await expect(verify(decoy, { OUR_KEY: '' })).rejects.toThrow(expect.objectContaining({ code: 'CREDENTIALS_MISSING' }))
  })
})
