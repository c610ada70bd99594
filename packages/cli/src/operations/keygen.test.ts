import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseKey } from '@finchat/secrets-core/sealing'
import { generateKey } from '@finchat/secrets-provider-local'
import { Decrypter, Encrypter } from 'age-encryption'
import { describe, expect, it } from 'vitest'
import { keyringWith } from '../testing/fake-keyring.ts'
import { makeProject } from '../testing/make-project.ts'
import { localConfig, programIn } from '../testing/run-program.ts'

describe('keygen', () => {
  it('prints a key that the local store takes, and another one each time', async () => {
    const { run } = programIn(makeProject({}))
    const [one, other] = [await run(['keygen']), await run(['keygen'])]
    expect(one).toMatchObject({ code: 0, stderr: '' })
    expect(parseKey(one.stdout.trimEnd()).kind).toBe('raw')
    expect(one.stdout).not.toBe(other.stdout)
  })

  it('names safer places where a person sees the key', async () => {
    expect((await programIn(makeProject({})).show(['keygen'])).stderr).toContain('--output FILE or --keychain NAME')
  })

  it('writes a file that only its owner may read, never shows it, and never overwrites it', async () => {
    const folder = makeProject({})
    const { run } = programIn(folder)
    const outcome = await run(['keygen', '--output', 'app.key'])
    const key = readFileSync(join(folder, 'app.key'), 'utf8')
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: 'the key is in app.key, which only you may read\n' })
    expect(statSync(join(folder, 'app.key')).mode & 0o777).toBe(0o600)
    expect(parseKey(key.trimEnd()).kind).toBe('raw')
    const again = await run(['keygen', '--output', 'app.key'])
    expect(again).toMatchObject({ code: 64, stdout: '' })
    expect(again.stderr).toContain('app.key is there already, and is not overwritten')
    expect(readFileSync(join(folder, 'app.key'), 'utf8')).toBe(key)
  })

  it('has git ignore the file and what may be beside it, as git itself sees it', async () => {
    const folder = makeProject({ '.gitignore': 'node_modules' })
    execFileSync('git', ['init', '--quiet', folder])
    const { run } = programIn(folder, { PATH: process.env['PATH'] ?? '' })
    const { stderr } = await run(['keygen', '--output', 'app#1.key'])
    expect(stderr).toContain(String.raw`.gitignore has /app\#1.key, /app\#1.key.*` + '\n')
    expect((await run(['keygen', '--output', 'app#1.key.new'])).stderr).not.toContain('.gitignore')
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe(
      String.raw`node_modules` + '\n' + String.raw`/app\#1.key` + '\n' + String.raw`/app\#1.key.*` + '\n',
    )
    expect(execFileSync('git', ['-C', folder, 'status', '--porcelain', '--untracked-files=all'], { encoding: 'utf8' })).toBe(
      '?? .gitignore\n',
    )
  })

  it('leaves .gitignore alone where a pattern of it fits, outside a repository, and if no key is made', async () => {
    const folder = makeProject({ '.gitignore': '*.key\n', 'taken.pem': '' })
    execFileSync('git', ['init', '--quiet', folder])
    const { run } = programIn(folder, { PATH: process.env['PATH'] ?? '' })
    expect(JSON.parse((await run(['keygen', '--output', 'app.key', '--json'])).stdout)).toEqual({ file: 'app.key' })
    expect((await run(['keygen', '--output', 'taken.pem'])).code).toBe(64)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*.key\n')
    expect(JSON.parse((await run(['keygen', '--output', 'b.pem', '--json'])).stdout)).toEqual({
      file: 'b.pem',
      gitignore: ['/b.pem', '/b.pem.*'],
    })
    const outside = makeProject({})
    await programIn(outside).run(['keygen', '--output', 'app.key'])
    expect(readdirSync(outside)).toEqual(['app.key'])
  })

  it('keeps a key in the keychain, and shows it nowhere', async () => {
    const folder = makeProject({ 'package.json': '{}', ...keyringWith({}) })
    const outcome = await programIn(folder).run(['keygen', '--keychain', 'app', '--json'])
    expect(outcome).toEqual({ code: 0, stdout: '{"keychain":"app"}\n', stderr: '' })
    const held = JSON.parse(readFileSync(join(folder, 'node_modules/@napi-rs/keyring/entries.json'), 'utf8')) as Record<string, string>
    expect(parseKey(held['finchat-secrets/app'] ?? '').kind).toBe('raw')
  })

  it.each([
    [['--age'], /^AGE-SECRET-KEY-1/, /^recipient: age1(?!pq)/],
    [['--age', '--post-quantum'], /^AGE-SECRET-KEY-PQ-1/, /^recipient: age1pq1/],
  ])('makes an age identity that opens what is encrypted for its recipient: %j', async (flags, identity, recipient) => {
    const { stdout, stderr } = await programIn(makeProject({})).run(['keygen', ...flags])
    expect([stdout, stderr]).toEqual([expect.stringMatching(identity), expect.stringMatching(recipient)])
    const [encrypter, decrypter] = [new Encrypter(), new Decrypter()]
    encrypter.addRecipient(stderr.trim().split(' ')[1] ?? '')
    decrypter.addIdentity(stdout.trim())
    expect(await decrypter.decrypt(await encrypter.encrypt('text'), 'text')).toBe('text')
  })

  it.each([['--age'], ['--age', '--post-quantum']])(
    'writes what others encrypt for beside an age identity, as age-keygen does: %j %j',
    async (...flags) => {
      const folder = makeProject({})
      const { run } = programIn(folder)
      const { stderr } = await run(['keygen', ...flags, '--output', 'age.key'])
      const [, recipient = 'none'] = /^recipient: (.+)$/m.exec(stderr) ?? []
      const lines = readFileSync(join(folder, 'age.key'), 'utf8').split('\n')
      expect(lines).toEqual([`# public key: ${recipient}`, expect.stringMatching(/^AGE-SECRET-KEY-/), ''])
      writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify(localConfig))
      const { run: withKey } = programIn(folder, { APP_KEY: generateKey() })
      await withKey(['set', 'TOKEN'], 'v')
      await withKey(['export', '--output', 'a.json.age', '--recipient', recipient])
      expect((await withKey(['import', '--from', 'a.json.age', '--identity', 'age.key'])).stdout).toBe('TOKEN\tTOKEN\tsame\t\n')
    },
  )

  it.each([
    [['--output', 'a', '--keychain', 'b'], 'a key is kept in one place'],
    [['--post-quantum'], '--post-quantum is for age identities'],
    [['--output', ''], 'the place of the key has no name'],
    [['--output', 'no/such/key'], 'key cannot be made: its folder does not exist'],
  ])('refuses %j, and makes nothing', async (flags, why) => {
    const folder = makeProject({})
    const { code, stdout, stderr } = await programIn(folder).run(['keygen', ...flags])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(why)
    expect(readdirSync(folder)).toEqual([])
  })
})
