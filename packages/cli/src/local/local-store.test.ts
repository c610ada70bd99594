import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Settings } from '../config/load-config.ts'
import { localConfig, makeProgram, type Program, programIn } from '../testing/run-program.ts'
import { keyPlaces } from './key-places.ts'

const canary = 'c4n4ry-of-the-store'

function makeStore(config: object = localConfig, env: Record<string, string> = {}): Program {
  const program = makeProgram(config, env)
  onTestFinished(() => rmSync(program.folder, { recursive: true }))
  return program
}

/** A project whose store has a secret of one version, and a backup of it. */
async function backedUp(): Promise<Program> {
  const program = makeStore()
  await program.run(['set', 'TOKEN'], canary)
  await program.run(['backup', '--output', 'saved.db'])
  return program
}

it('the store of an audited project is maintained too', async () => {
  const program = makeStore({ ...localConfig, audit: { folder: 'trail', checkpoints: 'checkpoints' } })
  await program.run(['audit', 'init', 'trail', '--key-file', 'audit.key'])
  await program.run(['set', 'TOKEN'], canary)
  const other = programIn(program.folder, { APP_KEY: generateKey(), FINCHAT_ENCRYPTION_OTHER_KEY: program.key })
  expect((await program.run(['backup', '--output', 'saved.db'])).code).toBe(0)
  expect((await other.run(['reencrypt', '--yes'])).code).toBe(0)
  expect((await program.run(['restore', '--backup', 'saved.db', '--yes'])).code).toBe(0)
  expect((await program.run(['get', 'TOKEN'])).stdout).toBe(canary)
})

it('an empty variable does not hide the file of the other key', async () => {
  const program = makeStore()
  await program.run(['set', 'TOKEN'], canary)
  writeFileSync(join(program.folder, 'former.key'), program.key)
  const env = { FINCHAT_ENCRYPTION_OTHER_KEY: '', FINCHAT_ENCRYPTION_OTHER_KEY_FILE: join(program.folder, 'former.key') }
  const { code, stderr } = await programIn(program.folder, { APP_KEY: generateKey(), ...env }).run(['reencrypt', '--yes'])
  expect([code, stderr]).toEqual([0, expect.stringContaining('1 version sealed again')])
})

describe('backup', () => {
  it('prints the file that it made, and says on stderr what it holds', async () => {
    const { run, folder, key } = makeStore()
    await run(['set', 'TOKEN'], canary)
    const { code, stdout, stderr } = await run(['backup', '--output', 'saved.db'])
    expect([code, stdout]).toEqual([0, `${join(folder, 'saved.db')}\n`])
    expect(stderr).toMatch(
      /^backed up and verified: 1 secret in 1 version, the newest change at 20.*Z\nit opens with local\.key \(the variable APP_KEY\) as that is today: keep this key as long as the backup\n$/,
    )
    expect(statSync(join(folder, 'saved.db')).mode & 0o777).toBe(0o600)
    const provider = localProvider({ path: join(folder, 'saved.db'), key })
    expect((await provider.get('TOKEN', { signal: new AbortController().signal }))?.value).toBe(canary)
    await provider.close()
    expect(`${stdout}${stderr}${readFileSync(join(folder, 'saved.db')).toString('latin1')}`).not.toContain(canary)
  })

  it('names the file by the time, if no name is given', async () => {
    const { run, folder } = makeStore()
    await run(['set', 'TOKEN'], canary)
    const { stdout } = await run(['backup', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ file: expect.stringMatching(/\.secrets\.db\.backup-20[-\dT]+Z$/), secrets: 1, versions: 1 })
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toHaveLength(1)
  })

  it('replaces a file only by --force', async () => {
    const { run } = await backedUp()
    expect(await run(['backup', '--output', 'saved.db'])).toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('--force'),
    })
    expect((await run(['backup', '--output', 'saved.db', '--force'])).code).toBe(0)
  })

  it('says that there is no store, and that the key is another', async () => {
    const { run, folder } = makeStore()
    expect(await run(['backup'])).toMatchObject({ code: 70, stderr: expect.stringContaining('there is no store at') })
    const other = makeStore({ provider: 'local', local: { key: { variable: 'APP_KEY' }, path: join(folder, '.secrets.db') } })
    await run(['set', 'TOKEN'], canary)
    const failed = await other.run(['backup'])
    expect([failed.code, failed.stdout]).toEqual([70, ''])
    expect(failed.stderr).toMatch(/^error: no backup was made\n/)
    expect(failed.stderr.trimEnd().split('\n')).toHaveLength(3)
  })
})

describe('restore --backup', () => {
  it('shows what would be lost, and needs --yes without a terminal', async () => {
    const { run } = await backedUp()
    await run(['set', 'TOKEN'], 'later')
    const asked = await run(['restore', '--backup', 'saved.db'])
    expect(asked).toMatchObject({ code: 64, stdout: '' })
    expect(asked.stderr).toContain('the backup: 1 secret in 1 version')
    expect(asked.stderr).toContain('the store:  1 secret in 2 versions')
    expect(asked.stderr).toContain('the backup lacks 1 version of the store')
    expect(asked.stderr).toContain('--yes')
    expect((await run(['get', 'TOKEN'])).stdout).toBe('later')
    const restored = await run(['restore', '--backup', 'saved.db', '--yes'])
    expect([restored.code, restored.stdout]).toEqual([0, ''])
    expect(restored.stderr).toMatch(/the file that it had is kept: .*before-restore/)
    expect((await run(['get', 'TOKEN'])).stdout).toBe(canary)
  })

  it('prints JSON, with the file that was replaced and no value', async () => {
    const { run } = await backedUp()
    const { stdout, stderr } = await run(['restore', '--backup', 'saved.db', '--yes', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ restored: true, lost: 0, former: expect.stringContaining('before-restore') })
    expect(`${stdout}${stderr}`).not.toContain(canary)
  })

  it('refuses a backup that was altered, and leaves the store', async () => {
    const { run, folder } = await backedUp()
    const bytes = readFileSync(join(folder, 'saved.db'))
    bytes.fill(7, 8192, 12_288)
    writeFileSync(join(folder, 'saved.db'), bytes)
    const { code, stderr } = await run(['restore', '--backup', 'saved.db', '--yes'])
    expect(code).toBe(65)
    expect(stderr).toContain('the backup cannot be restored')
    expect((await run(['get', 'TOKEN'])).stdout).toBe(canary)
    expect(readdirSync(folder).filter((name) => name.includes('before-restore'))).toEqual([])
  })

  it('restores where the store is damaged or gone', async () => {
    const { run, folder } = await backedUp()
    writeFileSync(join(folder, '.secrets.db'), 'damaged')
    const { code, stderr } = await run(['restore', '--backup', 'saved.db', '--yes'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('the store cannot be read')])
    rmSync(join(folder, '.secrets.db'))
    expect(await run(['restore', '--backup', 'saved.db', '--yes'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no store now'),
    })
    expect((await run(['get', 'TOKEN'])).stdout).toBe(canary)
  })

  it('is for a backup or for a name, not both, and not neither', async () => {
    const { run } = await backedUp()
    expect((await run(['restore', 'TOKEN', '--backup', 'saved.db'])).code).toBe(64)
    expect(await run(['restore'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--backup FILE') })
    expect(await run(['restore', '--backup', 'missing.db', '--yes'])).toMatchObject({
      code: 70,
      stderr: expect.stringContaining('no backup'),
    })
  })
})

describe('a backup of the day before the key was replaced', () => {
  it('is restored with the words that local.key alone does not open it, and is sealed again', async () => {
    const changing = { provider: 'local', local: { key: { variable: 'NEW_KEY' }, otherKey: { variable: 'APP_KEY' } } }
    const alone = { provider: 'local', local: { key: { variable: 'NEW_KEY' } }, secrets: { TOKEN: {} } }
    const { run, folder } = makeStore(localConfig, { NEW_KEY: generateKey() })
    const configure = (config: object): void => writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(config))
    await run(['set', 'TOKEN'], canary)
    await run(['backup', '--output', 'old.db'])
    configure(changing)
    await run(['reencrypt', '--yes'])
    const restored = await run(['restore', '--backup', 'old.db', '--yes'])
    expect(restored.stderr).toContain(
      'local.key (the variable NEW_KEY) alone does not open it: leave local.otherKey (the variable APP_KEY) where it is, and run `finchat-secrets reencrypt` again\n',
    )
    configure(alone)
    const checked = await run(['check'])
    expect([checked.code, checked.stdout]).toEqual([70, expect.stringContaining('the encryption key does not open this store')])
    expect(checked.stdout).not.toContain('retired')
    configure(changing)
    expect((await run(['reencrypt', '--yes'])).stderr).toContain('1 version sealed again')
    configure(alone)
    expect((await run(['check'])).code).toBe(0)
    await run(['backup', '--output', 'new.db'])
    expect((await run(['restore', '--backup', 'new.db', '--yes'])).stderr).not.toContain('alone')
  })
})

describe('reencrypt', () => {
  const changing = { provider: 'local', local: { key: { variable: 'NEW_KEY' }, otherKey: { variable: 'APP_KEY' } } }

  it('seals all with the new key, so that the former one is needed no more', async () => {
    const { run, folder } = makeStore(localConfig, { NEW_KEY: generateKey() })
    await run(['set', 'TOKEN'], canary)
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(changing))
    expect((await run(['get', 'TOKEN'])).stdout).toBe(canary) // during the change
    expect(await run(['reencrypt'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
    const { code, stdout, stderr } = await run(['reencrypt', '--yes'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'local.key (the variable NEW_KEY) sealed 0 versions, local.otherKey (the variable APP_KEY) 1 version',
      '1 version sealed again; local.otherKey (the variable APP_KEY) is retired, and never seals again',
    ])
    expect(await run(['reencrypt', '--yes', '--json'])).toMatchObject({ code: 0, stdout: '{"reencrypted":0}\n' })
    writeFileSync(
      join(folder, 'finchat-secrets.config.json'),
      JSON.stringify({ provider: 'local', local: { key: { variable: 'NEW_KEY' } } }),
    )
    expect((await run(['get', 'TOKEN'])).stdout).toBe(canary)
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(localConfig))
    expect((await run(['get', 'TOKEN'])).code).toBe(70)
  })

  it('asks with both keys by their places, and does nothing without an answer', async () => {
    const { run, folder } = makeStore(localConfig, { NEW_KEY: generateKey() })
    await run(['set', 'TOKEN'], canary)
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(changing))
    const { code, stderr } = await run(['reencrypt'])
    expect([code, stderr]).toEqual([
      64,
      expect.stringContaining('Seal all with local.key (the variable NEW_KEY), and retire local.otherKey (the variable APP_KEY) for good?'),
    ])
    expect((await run(['reencrypt', '--yes'])).stderr).toContain('1 version sealed again')
    expect(await run(['reencrypt'])).toMatchObject({ code: 0, stderr: expect.stringContaining('APP_KEY) is retired\n') }) // nothing to ask
  })

  it('refuses the next key, which is named beside the present one at the first step', async () => {
    const firstStep = { provider: 'local', local: { key: { variable: 'APP_KEY' }, otherKey: { file: 'next.key' } } }
    const { run, folder } = makeStore(localConfig)
    writeFileSync(join(folder, 'next.key'), generateKey(), { mode: 0o600 })
    await run(['set', 'TOKEN'], canary)
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(firstStep))
    const { code, stderr } = await run(['reencrypt', '--yes'])
    expect(code).toBe(64)
    expect(stderr).toContain('local.otherKey (the file next.key) has sealed nothing in this store, so it is the next key')
    const second = { provider: 'local', local: { key: { file: 'next.key' }, otherKey: { variable: 'APP_KEY' } } }
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(second))
    await run(['set', 'OTHER'], canary)
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(firstStep))
    const reversed = await run(['reencrypt'])
    expect(reversed.stderr).toContain('warning: the newest version is sealed with local.otherKey (the file next.key)')
    expect(reversed.code).toBe(64)
  })

  it.each([
    [{ FINCHAT_ENCRYPTION_KEY: 'x' }, { key: { file: 'a' } }, 'the variable FINCHAT_ENCRYPTION_KEY'],
    [{ FINCHAT_ENCRYPTION_KEY_FILE: '/k' }, { key: { file: 'a' } }, 'the file /k'],
    [{ FINCHAT_ENCRYPTION_KEY_KEYCHAIN: 'app' }, {}, 'the keychain entry app'],
    [{}, { key: { keychain: 'app' } }, 'the keychain entry app'],
    [{}, { key: { file: 'a' } }, 'the file a'],
    [{}, {}, 'not set'],
  ])('names the key of %j and %j by its place, and never itself', (env, local, place) => {
    const settings = { config: { local }, env } as unknown as Settings // what is used of it
    expect(keyPlaces(settings).key).toBe(`local.key (${place})`)
  })

  it('takes both keys from files', async () => {
    const inFiles = { provider: 'local', local: { key: { file: 'new.key' }, otherKey: { file: 'app.key' } } }
    const { run, key, folder } = makeStore()
    await run(['set', 'TOKEN'], canary)
    writeFileSync(join(folder, 'app.key'), key, { mode: 0o600 })
    writeFileSync(join(folder, 'new.key'), generateKey(), { mode: 0o600 })
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(inFiles))
    const { code, stderr } = await run(['reencrypt', '--yes'])
    expect([code, stderr.includes(key)]).toEqual([0, false])
    expect(stderr).toContain('1 version sealed again')
  })

  it('wants two keys, and quotes neither', async () => {
    const { run, key, folder } = makeStore()
    await run(['set', 'TOKEN'], canary)
    expect(await run(['reencrypt', '--yes'])).toMatchObject({ code: 64, stderr: expect.stringContaining('local.otherKey') })
    writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(changing))
    const { code, stderr } = await run(['reencrypt', '--yes'])
    expect([code, stderr.includes(key)]).toEqual([77, false])
    expect(stderr).toContain('NEW_KEY')
    expect(existsSync(join(folder, '.secrets.db'))).toBe(true)
  })
})
