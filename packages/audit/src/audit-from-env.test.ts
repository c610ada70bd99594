import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { auditFromEnv } from './audit-from-env.ts'
import { initAuditFolder } from './file/init-audit-folder.ts'
import { verifyAuditTrail } from './verify/verify-audit-trail.ts'

const canary = 'c4n4ry of a secret'

afterEach(() => void vi.restoreAllMocks())

/** What the process writes to a stream. */
function written(stream: NodeJS.WriteStream): () => string {
  let text = ''
  const write = (chunk: string, done: () => void): boolean => {
    text += chunk
    done()
    return true
  }
  vi.spyOn(stream, 'write').mockImplementation(write as typeof stream.write) // the overload that the sink calls
  return () => text
}

async function read(env: Record<string, string>, actor?: string): Promise<void> {
  const secrets = secretsManagerFromEnv({}, { audit: auditFromEnv, env: { TOKEN: canary, ...env } })
  await secrets.getSecret('TOKEN', { actor })
  await secrets.close()
}

function problem(env: Record<string, string>): string {
  try {
    secretsManagerFromEnv({}, { audit: auditFromEnv, env })
  } catch (error) {
    expect(leaksOf(error, canary)).toEqual([])
    return String(error)
  }
  return 'none'
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'audit-from-env-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

describe('FINCHAT_AUDIT_LINE', () => {
  test.each([
    ['true', process.stderr],
    ['stderr', process.stderr],
    ['stdout', process.stdout],
  ])('%s writes a line of each access, with the user of the operating system', async (line, stream) => {
    const text = written(stream)
    await read({ FINCHAT_AUDIT_LINE: line })
    expect(text()).toMatch(/^Secret access: name=TOKEN, source=env, timestamp=\d{10}, user=(\S+)\n$/)
    expect(text()).toContain(`user=${userInfo().username}\n`)
    expect(text()).not.toContain(canary)
  })

  test('names the actor of a call that has one', async () => {
    const text = written(process.stderr)
    await read({ FINCHAT_AUDIT_LINE: 'true' }, 'webapp')
    expect(text()).toMatch(/user=webapp\n$/)
  })

  test.each([{}, { FINCHAT_AUDIT_LINE: 'false' }, { FINCHAT_AUDIT_LINE: '' }])('writes nothing with %j', async (env) => {
    const [errors, lines] = [written(process.stderr), written(process.stdout)]
    await read(env)
    expect(errors() + lines()).toBe('')
  })

  test('that is misspelt is an error without the text', () => {
    expect(problem({ FINCHAT_AUDIT_LINE: canary })).toContain('FINCHAT_AUDIT_LINE is not true, false, stderr or stdout')
  })
})

describe('FINCHAT_AUDIT_FOLDER', () => {
  test('keeps a sealed trail that verifies, with checkpoints', async () => {
    const [audit, checkpoint] = [join(await folder(), 'audit'), await folder()]
    const { key } = await initAuditFolder(audit)
    await read({ FINCHAT_AUDIT_FOLDER: audit, FINCHAT_AUDIT_CHECKPOINTS: checkpoint })
    expect(await verifyAuditTrail(audit, { key, checkpoint })).toMatchObject({ ok: true, records: 1 })
    expect((await readdir(checkpoint)).length).toBeGreaterThan(0)
  })

  test('that is not ready, or checkpoints without it, are one error', async () => {
    const env = { FINCHAT_AUDIT_FOLDER: await folder(), FINCHAT_SECRETS_CACHE_TTL: 'x' }
    expect(problem(env)).toMatch(/\n {2}audit: .*initAuditFolder.*\n {2}FINCHAT_SECRETS_CACHE_TTL must be/)
    expect(problem({ FINCHAT_AUDIT_CHECKPOINTS: 'x' })).toContain('FINCHAT_AUDIT_CHECKPOINTS needs FINCHAT_AUDIT_FOLDER')
  })
})

describe('FINCHAT_AUDIT_SEAL_NAMES', () => {
  test.each<[string | undefined, readonly string[]]>([
    [undefined, ['webapp']],
    ['name', ['TOKEN']],
    ['actor, name', ['webapp', 'TOKEN']],
  ])('seals names in the records, of %s', async (of, sealed) => {
    const audit = join(await folder(), 'audit')
    const file = join(await folder(), 'names.key')
    const { key } = await initAuditFolder(audit)
    await read({ FINCHAT_AUDIT_FOLDER: audit, FINCHAT_AUDIT_SEAL_NAMES: file, FINCHAT_AUDIT_SEAL_NAMES_OF: of ?? '' }, 'webapp')
    expect(await verifyAuditTrail(audit, { key })).toMatchObject({ ok: true, records: 1 })
    const names = await readdir(audit)
    const records = (await Promise.all(names.map(async (name) => readFile(join(audit, name), 'latin1')))).join('')
    const keys = await readFile(file, 'utf8')
    for (const name of ['webapp', 'TOKEN'])
      expect([records.includes(name), keys.includes(name)], name).toEqual([!sealed.includes(name), sealed.includes(name)])
  })

  test('without a folder, or with other members, is an error without the text', () => {
    expect(problem({ FINCHAT_AUDIT_LINE: 'true', FINCHAT_AUDIT_SEAL_NAMES: canary })).toMatch(/SEAL_NAMES needs FINCHAT_AUDIT_FOLDER/)
    expect(problem({ FINCHAT_AUDIT_SEAL_NAMES_OF: 'name' })).toContain('FINCHAT_AUDIT_SEAL_NAMES_OF needs FINCHAT_AUDIT_SEAL_NAMES')
    expect(problem({ FINCHAT_AUDIT_SEAL_NAMES_OF: canary })).toContain('FINCHAT_AUDIT_SEAL_NAMES_OF is not actor, name or actor,name')
  })

  test('in a folder that is not there is an error that leaves no sink open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const audit = join(await folder(), 'audit')
    const file = join(audit, 'none', 'names.key')
    await initAuditFolder(audit)
    expect(problem({ FINCHAT_AUDIT_FOLDER: audit, FINCHAT_AUDIT_SEAL_NAMES: file })).toContain(
      'the folder of the keys of names is not there',
    )
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0) // such as the one that opens a segment
  })
})
