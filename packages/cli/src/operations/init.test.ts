import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseKey } from '@finchat/secrets-core/sealing'
import { generateKey } from '@finchat/secrets-provider-local'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { providerNames } from '../config/settings.ts'
import { keyringWith } from '../testing/fake-keyring.ts'
import { makeProject } from '../testing/make-project.ts'
import { programIn } from '../testing/run-program.ts'

const canary = 'canary-4711'
const config = 'finchat-secrets.config.json'
const app = {
  '.env': `API_TOKEN=${canary}\nLOG_LEVEL=debug-${canary}\n`,
  'src/app.ts': 'process.env.API_TOKEN + process.env.DB_PASSWORD + process.env.NODE_ENV',
}

function repository(files: Readonly<Record<string, string>> = app): { readonly folder: string; readonly at: (path: string) => string } {
  const folder = makeProject({ 'package.json': '{"name":"@acme/shop"}', ...files })
  mkdirSync(join(folder, '.git'))
  return { folder, at: (path) => readFileSync(join(folder, path), 'utf8') }
}

const withGit = { PATH: process.env['PATH'] ?? '', HOME: '/dev/null' }

function git(folder: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8' })
}

describe('init without a terminal', () => {
  it('sets up a local store that set, check and loadConfig then use', async () => {
    const { folder, at } = repository()
    const { run } = programIn(folder)
    expect(await run(['init'])).toMatchObject({ code: 0, stdout: '' })
    expect(JSON.parse(at(config))).toEqual({
      $schema: './node_modules/@finchat/secrets-cli/src/config.schema.json',
      provider: 'local',
      fallbacks: ['env'],
      local: { key: { file: '.secrets.key' } },
      secrets: { API_TOKEN: {}, DB_PASSWORD: {} },
    })
    expect(statSync(join(folder, '.secrets.key')).mode & 0o777).toBe(0o600)
    expect(at('.gitignore')).toBe('/.secrets.db*\n/.secrets.key\n/.secrets.key.*\n/.env\n')
    for (const name of ['API_TOKEN', 'DB_PASSWORD']) expect((await run(['set', name], 'value')).code).toBe(0)
    expect((await run(['check'])).code).toBe(0)
    const { secrets } = await loadConfig({ cwd: folder, env: {} })
    expect(await secrets.getSecret('API_TOKEN')).toBe('value')
    await secrets.close()
  })

  it('says where each name is and what comes next, and shows no value and no key', async () => {
    const { folder, at } = repository()
    const { stdout, stderr } = await programIn(folder).run(['init'])
    await expect(stderr).toMatchFileSnapshot('../testing/screens/init.txt')
    expect(stdout + stderr + at(config)).not.toContain(canary)
    expect(stdout + stderr).not.toContain(at('.secrets.key').trim())
  })

  it('moves what a .env file holds, as it proposes, and names what to remove there', async () => {
    const { folder } = repository({ '.env': `API_TOKEN=${canary}\nDB_PASSWORD=x\nLOG_LEVEL=debug\n` })
    const { run } = programIn(folder)
    const { stderr } = await run(['init'])
    const [, command = ''] = /^ {2}finchat-secrets (migrate .+)$/m.exec(stderr) ?? []
    expect(await run(command.split(' '))).toMatchObject({
      code: 0,
      stdout: 'API_TOKEN\tAPI_TOKEN\twritten\t\nDB_PASSWORD\tDB_PASSWORD\twritten\t\n',
    })
    expect(stderr).toContain('  then remove from .env: API_TOKEN, DB_PASSWORD; finchat-secrets run')
    expect(stderr).not.toContain('finchat-secrets set')
  })

  it.each([
    ['a file with another name', { '.env.local': 'API_TOKEN=x\n' }, [], 'migrate --from dotenv:.env.local --to local --apply'],
    [
      'the file .env before others',
      { '.env': 'API_TOKEN=x', '.env.a': 'API_TOKEN=y' },
      [],
      'migrate --from dotenv:.env --to local --apply',
    ],
    ['another store', { '.env': 'API_TOKEN=x' }, ['--provider', 'aws'], 'migrate --from dotenv:.env --to aws --apply'],
    [
      'a program',
      { '.env': 'API_TOKEN=x' },
      ['--typescript'],
      'migrate --config finchat-secrets.config.mts --from dotenv:.env --to local --apply',
    ],
    ['a template', { '.env.example': 'API_TOKEN=x' }, [], 'set API_TOKEN'],
    ['no value', { '.env': 'API_TOKEN=' }, [], 'set API_TOKEN'],
    ['no file', {}, [], 'set NAME --declare'],
    ['no file, in a program', {}, ['--typescript'], 'set --config finchat-secrets.config.mts NAME'],
  ])('proposes how the store is filled: %s', async (_, files, flags, command) => {
    const { stderr } = await programIn(makeProject(files)).run(['init', ...flags])
    expect(stderr).toContain(`  finchat-secrets ${command}\n`)
  })

  it('proposes no write to a store that cannot be written', async () => {
    const { stderr } = await programIn(makeProject({ '.env': 'API_TOKEN=x' })).run(['init', '--provider', 'mounted'])
    expect(stderr).not.toMatch(/finchat-secrets (set|migrate)|remove/)
  })

  it('changes nothing where it was before, and names check', async () => {
    const { folder, at } = repository()
    const { run } = programIn(folder)
    await run(['init'])
    const before = [config, '.secrets.key', '.gitignore'].map(at)
    const { code, stderr } = await run(['init'])
    expect(code).toBe(64)
    expect(stderr).toContain('finchat-secrets check')
    expect((await run(['init', '--force'])).stderr).toContain('the key in .secrets.key is kept')
    expect([config, '.secrets.key', '.gitignore'].map(at)).toEqual(before)
  })

  it('goes on after a run that ended before the configuration was written', async () => {
    const { folder, at } = repository({ ...app, '.secrets.key': generateKey(), '.gitignore': 'node_modules/\n/.secrets.db*\n.env' })
    const key = at('.secrets.key')
    expect((await programIn(folder).run(['init'])).code).toBe(0)
    expect([at('.secrets.key'), at('.gitignore')]).toEqual([key, 'node_modules/\n/.secrets.db*\n.env\n/.secrets.key\n/.secrets.key.*\n'])
  })

  it('says what it cannot write, before it makes a key', async () => {
    const { folder } = repository()
    mkdirSync(join(folder, '.gitignore/x'), { recursive: true })
    const { code, stderr } = await programIn(folder).run(['init'])
    expect({ code, hasKey: existsSync(join(folder, '.secrets.key')) }).toEqual({ code: 64, hasKey: false })
    expect(stderr).toContain('.gitignore')
  })

  it('waits for no writer of a FIFO, and reads nothing from it', async () => {
    const { folder } = repository({})
    for (const name of ['.env', 'package.json', '.gitignore']) {
      rmSync(join(folder, name), { force: true })
      execFileSync('mkfifo', [join(folder, name)])
    }
    const { code, stderr } = await programIn(folder).run(['init'])
    expect([code, stderr]).toEqual([64, expect.stringContaining('.gitignore is not a regular file')])
  })

  it('writes nothing by --dry-run, and shows the file on stdout', async () => {
    const { folder } = repository()
    const { stdout, stderr } = await programIn(folder).run(['init', '--dry-run'])
    expect(JSON.parse(stdout)).toMatchObject({ provider: 'local', secrets: { API_TOKEN: {} } })
    expect(stderr).toContain('nothing was written')
    expect([config, '.secrets.key', '.gitignore'].filter((path) => existsSync(join(folder, path)))).toEqual([])
  })

  it('writes .gitignore outside a repository too, so that a later git init takes no key', async () => {
    const folder = makeProject({ ...app, 'package.json': '{}' })
    await programIn(folder).run(['init'])
    git(folder, 'init', '--quiet')
    const taken = git(folder, 'ls-files', '--others', '--exclude-standard').split('\n').filter(Boolean)
    expect(taken.toSorted()).toEqual(['.gitignore', config, 'package.json', 'src/app.ts'])
  })

  it('needs no entry for a key outside of the project', async () => {
    const { folder, at } = repository({})
    const outside = join(makeProject({}), 'outside.key')
    await programIn(folder).run(['init', '--key-name', outside])
    expect(JSON.parse(at(config))).toMatchObject({ local: { key: { file: outside } } })
    expect(at('.gitignore')).toBe('/.secrets.db*\n')
  })

  it.each([
    ['has git ignore a .env file with secrets', {}, ['/.env', '/.env.local']],
    ['needs no entry for what a pattern ignores', { '.gitignore': '.env*\n/.secrets.*\n' }, []],
  ])('%s', async (_, more, entries) => {
    const folder = makeProject({ '.env': 'API_TOKEN=x', '.env.local': 'API_TOKEN=x', '.env.test': 'LOG_LEVEL=x', ...more })
    git(folder, 'init', '--quiet')
    const { stdout, stderr } = await programIn(folder, withGit).run(['init', '--provider', 'env', '--json'])
    expect([JSON.parse(stdout), stderr]).toEqual([expect.objectContaining({ gitignore: entries }), ''])
    expect(git(folder, 'ls-files', '--others', '--exclude-standard')).not.toMatch(/^\.env(\.local)?$/m)
  })

  it('warns of a .env file with secrets that git has, and says how it goes', async () => {
    const folder = makeProject({ 'a b/.env': `API_TOKEN=${canary}`, '.env': 'LOG_LEVEL=x' })
    git(folder, 'init', '--quiet')
    git(folder, 'add', '--all')
    const { stderr } = await programIn(folder, withGit).run(['init'])
    const warned = stderr.split('\n').filter((line) => line.startsWith('warning:'))
    expect(warned).toEqual([expect.stringContaining('git tracks a b/.env, which holds secrets')])
    const [, advised = ''] = /: git (rm .+?), and rotate/.exec(warned[0] ?? '') ?? []
    execFileSync('/bin/sh', ['-c', `git ${advised}`], { cwd: folder })
    expect(git(folder, 'ls-files', '--others', '--exclude-standard')).not.toContain('.env')
    expect((await programIn(folder, withGit).run(['init', '--force', '--dry-run'])).stderr).not.toContain('warning:')
    expect(stderr).not.toContain(canary)
  })

  it('says each command as it was called: by npx', async () => {
    const { folder } = repository()
    const { stderr } = await programIn(folder, { npm_lifecycle_event: 'npx' }).run(['init'])
    expect(stderr).toContain('  npx --no finchat-secrets check\n')
    expect(stderr).toContain('  npm install @finchat/secrets-provider-local\n')
  })

  it('names the files from the root of a repository, with what git would read as a pattern escaped', async () => {
    const { folder, at } = repository({})
    const inside = join(folder, 'apps/a#[b]')
    mkdirSync(inside, { recursive: true })
    await programIn(inside).run(['init'])
    const names = ['.secrets.db*', '.secrets.key', '.secrets.key.*']
    expect(at('.gitignore')).toBe(names.map((name) => String.raw`/apps/a\#\[b\]/${name}` + '\n').join(''))
  })
})

describe('the key of init', () => {
  it('is shown once, on stdout alone, if it is kept in a variable', async () => {
    const { folder, at } = repository()
    const { stdout, stderr } = await programIn(folder).run(['init', '--key', 'variable', '--key-name', 'APP_KEY'])
    expect(parseKey(stdout.trimEnd()).kind).toBe('raw')
    expect(stderr).not.toContain(stdout.trim())
    expect(JSON.parse(at(config))).toMatchObject({ local: { key: { variable: 'APP_KEY' } } })
  })

  it('is not made again if the variable has one', async () => {
    const { folder } = repository()
    const outcome = await programIn(folder, { APP_KEY: generateKey() }).run(['init', '--key', 'variable', '--key-name', 'APP_KEY'])
    expect(outcome).toMatchObject({ code: 0, stdout: '' })
  })

  it('goes into the keychain under the name of the package, and is shown nowhere', async () => {
    const { folder, at } = repository({ ...app, ...keyringWith({}) })
    const { code, stdout, stderr } = await programIn(folder).run(['init', '--key', 'keychain'])
    const held = JSON.parse(at('node_modules/@napi-rs/keyring/entries.json')) as Record<string, string>
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(JSON.parse(at(config))).toMatchObject({ local: { key: { keychain: '@acme/shop' } } })
    expect(stderr).not.toContain(held['finchat-secrets/@acme/shop'])
    expect((await programIn(folder).run(['set', 'API_TOKEN'], 'v')).code).toBe(0)
  })
})

describe('what init writes', () => {
  it.each(providerNames)('is a configuration for %s', async (provider) => {
    const { folder, at } = repository()
    const { code, stderr } = await programIn(folder).run(['init', '--provider', provider, '--yes'])
    expect(code).toBe(0)
    expect(parseConfig(JSON.parse(at(config)), config)).toMatchObject({ provider })
    if (provider !== 'env') expect(stderr).toContain('npm install @finchat/secrets-provider-')
  })

  it('names no package to install that the project has', async () => {
    const { folder } = repository({ 'package.json': '{"dependencies":{"@finchat/secrets-provider-local":"^0.1.0"}}' })
    expect((await programIn(folder).run(['init'])).stderr).not.toContain('install')
  })

  it('has the address of the environment for Vault', async () => {
    const { folder, at } = repository()
    await programIn(folder, { VAULT_ADDR: 'https://bao:8200' }).run(['init', '--provider', 'vault'])
    expect(JSON.parse(at(config))).toMatchObject({ vault: { url: 'https://bao:8200', token: { variable: 'VAULT_TOKEN' } } })
  })

  it('is a module by --typescript, which runs when it is named', async () => {
    const { folder, at } = repository()
    const { run } = programIn(folder)
    await run(['init', '--typescript'])
    const file = 'finchat-secrets.config.mts'
    writeFileSync(
      join(folder, file),
      at(file)
        .replace(/^import type.*\n/, '')
        .replace(': Config', ''),
    )
    expect((await run(['set', 'API_TOKEN', '--config', file], 'v')).code).toBe(0)
  })

  it('is told to programs by --json', async () => {
    const { folder } = repository()
    expect(JSON.parse((await programIn(folder).run(['init', '--json'])).stdout)).toEqual({
      file: config,
      provider: 'local',
      key: { file: '.secrets.key', new: true },
      found: [
        { name: 'API_TOKEN', places: ['.env:1', 'src/app.ts:1'], declared: true },
        { name: 'DB_PASSWORD', places: ['src/app.ts:1'], declared: true },
        { name: 'LOG_LEVEL', places: ['.env:2'], declared: false },
      ],
      gitignore: ['/.secrets.db*', '/.secrets.key', '/.secrets.key.*', '/.env'],
    })
  })

  it.each([
    [['--provider', 'vault', '--key', 'file'], '--key is for the local store'],
    [['--key', 'variable', '--key-name', 'a-b'], '--key-name is no name of a variable'],
    [['--provider', 'other'], 'does not take this value'],
    [['--key-name', 'no/such/key'], 'its folder does not exist'],
  ])('is nothing for %j', async (flags, why) => {
    const { folder } = repository()
    const { code, stderr } = await programIn(folder).run(['init', ...flags])
    expect(code).toBe(64)
    expect(stderr).toContain(why)
    expect(existsSync(join(folder, config))).toBe(false)
  })
})
