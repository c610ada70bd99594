import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { gzipSync, brotliCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { programArgs } from '../testing/child.ts'
import { makeProgram, type Outcome, type Program, programIn } from '../testing/run-program.ts'

const canary = 'canary-4711-of-the-scan'
const secrets = { TOKEN: {} }
const projects: Program[] = []
afterEach(() => projects.splice(0).forEach(({ folder }) => rmSync(folder, { recursive: true })))

function project(
  files: Readonly<Record<string, string | Uint8Array>>,
  config: object = { secrets },
  env: Record<string, string> = { TOKEN: canary },
): Program {
  const program = makeProgram(config, env)
  projects.push(program)
  put(program, files)
  return program
}

function put({ folder }: Program, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

function git({ folder: cwd }: Program, ...args: string[]): string {
  const who = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
  const { status, stdout, stderr } = spawnSync('git', [...who, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

/** A fake token of GitHub, put together so that no scan finds it here. */
const githubToken = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`

const places = ({ stdout }: Outcome): string[] => stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])

describe('scan', () => {
  it('finds the password of a URL alone, and the members of a document, nested too', async () => {
    const env = { URL_OF_DB: 'postgres://shop:canary%2Fof-a-url@db.test/shop', DB: '{"a":{"key":"canary-of-json"},"host":"db.example"}' }
    const files = { 'a.env': 'P=canary/of-a-url\n', 'b.env': 'P=canary%2Fof-a-url\nK=canary-of-json db.example\n' }
    const { code, stdout, stderr } = await project(files, { secrets: { URL_OF_DB: {}, DB: {} } }, env).run(['scan', '--only-values'])
    expect([code, stdout.split('\n').filter(Boolean)]).toEqual([
      1,
      [
        'a.env:1:3\tthe value of URL_OF_DB#password',
        'b.env:1:3\tthe value of URL_OF_DB#password as url',
        'b.env:2:3\tthe value of DB#a/key',
      ],
    ])
    expect(stderr).toContain('finchat-secrets set URL_OF_DB, or rotate')
    expect(stdout + stderr).not.toContain('canary')
  })

  it('counts one file as one', async () => {
    const { stderr } = await project({ 'a.txt': 'nothing' }).run(['scan', 'a.txt'])
    expect(stderr).toBe('nothing was found in 1 file or object, 0.0 MB\n')
  })

  it('advises to set a field by its declared name, not its whole document', async () => {
    const declared = { DB_PASSWORD: { name: 'DB', field: 'password' } }
    const { stderr } = await project({ 'a.env': canary }, { secrets: declared }, { DB: JSON.stringify({ password: canary }) }).run(['scan'])
    expect(stderr).toContain('finchat-secrets set DB_PASSWORD, or rotate')
  })

  it('finds a value in files, by place and form, and prints neither it nor its line', async () => {
    const program = project({
      'src/config.ts': `const a = 1\nconst secretLine = "${canary}"\n`,
      'data/all.bin': Buffer.concat([Buffer.alloc(9), Buffer.from(Buffer.from(`x${canary}`).toString('base64'))]),
      'clean.txt': 'nothing',
    })
    const { code, stdout, stderr } = await program.run(['scan'])
    expect(code).toBe(1)
    expect(stdout).toBe('data/all.bin:1:12\tthe value of TOKEN as base64\nsrc/config.ts:2:21\tthe value of TOKEN\n')
    expect(stderr).toMatch(
      /^2 places were found in 4 files and objects, 0\.0 MB\nfix: rotate .+\n {5}finchat-secrets set TOKEN, or rotate, .+\n$/,
    )
    expect(stdout + stderr).not.toMatch(/canary|secretLine/)
  })

  it('ends with 0 where nothing is', async () => {
    const { code, stdout, stderr } = await project({ 'a.txt': 'canary-4711-of-the-sca' }).run(['scan'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: 'nothing was found in 2 files and objects, 0.0 MB\n' })
  })

  it('searches the paths that are named, and refuses one that is not there', async () => {
    const program = project({ 'a/x.txt': canary, 'b/x.txt': canary, 'c.txt': canary })
    expect(places(await program.run(['scan', 'b', 'c.txt']))).toEqual(['b/x.txt:1:1', 'c.txt:1:1'])
    const { code, stdout, stderr } = await program.run(['scan', 'b', 'nope'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain('there is no file or folder nope')
  })

  it('leaves out packages, .git, links and what is excluded', async () => {
    const outside = project({ 'outside.txt': canary })
    const program = project({
      'node_modules/a/x.js': canary,
      '.git/config': canary,
      'skip/x.snap': canary,
      'deep/er/y.snap': canary,
      'a.txt': canary,
    })
    symlinkSync(outside.folder, join(program.folder, 'link'))
    symlinkSync(join(outside.folder, 'outside.txt'), join(program.folder, 'link.txt'))
    expect(places(await program.run(['scan', '--exclude', '*.snap']))).toEqual(['a.txt:1:1'])
    expect(places(await program.run(['scan', '--exclude', 'skip', '--exclude', 'deep/**']))).toEqual(['a.txt:1:1'])
    expect(places(await program.run(['scan', 'node_modules']))).toEqual(['node_modules/a/x.js:1:1'])
  })

  it('searches build output with its packages, and what is compressed', async () => {
    const program = project({
      'dist/node_modules/a/x.js': canary,
      'dist/app.js.map': JSON.stringify({ sourcesContent: [`"${canary}"`] }),
      'dist/app.js.gz': gzipSync(`x${canary}`),
      'dist/app.js.br': brotliCompressSync(`${'words '.repeat(200)}${canary}`),
      'dist/broken.gz': 'no gzip',
      'a.txt': canary,
    })
    const { code, stdout } = await program.run(['scan', '--built', 'dist', '--only-values'])
    expect(code).toBe(1)
    expect(places({ code, stdout, stderr: '' })).toEqual([
      'dist/app.js.br!:1:1201',
      'dist/app.js.gz!:1:2',
      'dist/app.js.map:1:23',
      'dist/node_modules/a/x.js:1:1',
    ])
  })

  it('searches a file once that two paths have', async () => {
    const program = project({ 'dist/x.js': canary, 'dist/node_modules/a/y.js': canary })
    const found = await program.run(['scan', '.', '--built', 'dist'])
    expect(places(found)).toEqual(['dist/x.js:1:1', 'dist/node_modules/a/y.js:1:1'])
  })

  it('does not wait for a pipe, and tells what cannot be read', async () => {
    const program = project({ 'a.txt': 'nothing' })
    spawnSync('mkfifo', [join(program.folder, 'pipe')])
    expect((await program.run(['scan'])).code).toBe(0)
    expect((await program.run(['scan', 'pipe'])).stderr).toContain('warning: pipe could not be read')
    if (process.getuid?.() !== 0) chmodSync(join(program.folder, 'a.txt'), 0)
    expect((await program.run(['scan'])).code).toBe(process.getuid?.() === 0 ? 0 : 70)
  })

  it('looks for well-known forms, unless only values are asked for', async () => {
    const program = project({ 'a.ts': `\nconst token = '${githubToken}'\n` })
    const found = await program.run(['scan'])
    expect(found).toMatchObject({ code: 1, stdout: 'a.ts:2:16\ta known form (github/GITHUB_TOKEN)\n' })
    expect(found.stderr).not.toContain('ghp_')
    expect((await program.run(['scan', '--only-values'])).code).toBe(0)
  })

  it('finds known forms in a file of several megabytes, by their line', async () => {
    const line = `${'word '.repeat(30)}\n`
    const program = project({ 'big.log': `${line.repeat(20_000)}${githubToken}\n${line.repeat(10)}` })
    expect(places(await program.run(['scan']))).toEqual(['big.log:20001:1'])
  })

  it('looks for fields of a document, but not for its user and host', async () => {
    const DB = JSON.stringify({ username: 'username-of-app', password: canary, host: 'db.example.com', nested: { a: 'xxxxxxxxxxx' } })
    const program = project({ 'a.txt': `username-of-app db.example.com ${canary}` }, { secrets: { DB: {} } }, { DB })
    expect((await program.run(['scan'])).stdout).toBe('a.txt:1:32\tthe value of DB#password\n')
  })

  it('looks for a secret that the store keeps as fields', async () => {
    const config = { provider: 'local', local: { key: { variable: 'APP_KEY' } }, secrets: { DB: {} } }
    const program = project({ 'a.txt': canary }, config, {})
    await program.run(['set', 'DB', '--field', 'user'], 'ada')
    await program.run(['set', 'DB', '--field', 'password'], canary)
    expect((await program.run(['scan'])).stdout).toBe('a.txt:1:1\tthe value of DB#password\n')
  })

  it('tells what it does not look for', async () => {
    const config = { secrets: { TOKEN: {}, PIN: {}, NOPE: {}, OTHER: { required: false } } }
    const { code, stderr } = await project({}, config, { TOKEN: canary, PIN: '1234' }).run(['scan'])
    expect(code).toBe(66)
    expect(stderr).toContain('warning: NOPE is not looked for: ')
    expect(stderr).toContain('warning: too short to look for, under 8 bytes: PIN\n')
    expect(stderr).not.toMatch(/OTHER|1234/)
  })

  it('ends as the store does that cannot be asked, unless something is found', async () => {
    const config = { secrets, provider: 'mounted', fallbacks: [], mounted: { folder: 'no-such-folder' } }
    const clean = await project({}, config).run(['scan'])
    expect({ code: clean.code, warned: clean.stderr.includes('TOKEN is not looked for') }).toEqual({ code: 70, warned: true })
    expect((await project({ 'a.ts': githubToken }, config).run(['scan'])).code).toBe(1)
  })

  it('needs no declared secrets for known forms, but says so', async () => {
    const program = project({ 'a.ts': githubToken }, {})
    expect(await program.run(['scan'])).toMatchObject({ code: 1, stderr: expect.stringContaining('declares no secrets') as string })
    expect((await program.run(['scan', '--only-values'])).code).toBe(64)
  })

  it('looks for former versions, if asked', async () => {
    const config = { provider: 'local', local: { key: { variable: 'APP_KEY' }, keepVersions: 'all' }, secrets }
    const program = project({ 'old.txt': 'first-value-of-it', 'new.txt': 'second-value-of-it' }, config, {})
    for (const value of ['first-value-of-it', 'second-value-of-it']) await program.run(['set', 'TOKEN'], value)
    expect(places(await program.run(['scan']))).toEqual(['new.txt:1:1'])
    const { stdout } = await program.run(['scan', '--versions'])
    expect(stdout).toBe('new.txt:1:1\tthe value of TOKEN\nold.txt:1:1\tthe value of TOKEN, version 1\n')
  })

  it('prints JSON and SARIF, without values', async () => {
    const program = project({ 'a b.txt': `x\n ${canary}`, 'c.ts': githubToken })
    const json = await program.run(['scan', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      findings: [
        { path: 'a b.txt', line: 2, column: 2, kind: 'file', name: 'TOKEN', form: 'plain' },
        { path: 'c.ts', line: 1, column: 1, rule: 'github/GITHUB_TOKEN' },
      ],
      contents: 3,
      notSearched: [],
    })
    const sarif = await program.run(['scan', '--sarif'])
    expect(JSON.parse(sarif.stdout)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { rules: [{ id: 'known-secret/TOKEN' }, { id: 'known-form/github/GITHUB_TOKEN' }] } },
          results: [
            {
              ruleId: 'known-secret/TOKEN',
              locations: [{ physicalLocation: { artifactLocation: { uri: 'a%20b.txt' }, region: { startLine: 2, startColumn: 2 } } }],
            },
            {},
          ],
        },
      ],
    })
    expect({ ...json, code: sarif.code, stderr: sarif.stderr }).toMatchObject({ code: 1, stderr: '' })
    expect(json.stdout + sarif.stdout).not.toMatch(/canary|ghp_/)
  })
})

describe('scan in a git repository', () => {
  function repository(): Program {
    const program = project({ 'a.txt': 'nothing' })
    git(program, 'init', '-q', '-b', 'main')
    git(program, 'add', '-A')
    git(program, 'commit', '-q', '-m', 'first')
    return program
  }

  it('finds what was removed, on every branch, by commit and path', async () => {
    const program = repository()
    git(program, 'switch', '-q', '-c', 'side')
    put(program, { 'deep/b c.txt': `x\n${canary}\n` })
    git(program, 'add', '-A')
    git(program, 'commit', '-q', '-m', 'leak')
    const leak = git(program, 'rev-parse', 'HEAD').slice(0, 12)
    git(program, 'rm', '-q', 'deep/b c.txt')
    git(program, 'commit', '-q', '-m', `removes ${canary}`)
    const removal = git(program, 'rev-parse', 'HEAD').slice(0, 12)
    git(program, 'switch', '-q', 'main')
    const { code, stdout, stderr } = await program.run(['scan', '--history'])
    expect(code).toBe(1)
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(stdout).toContain(`${leak}:deep/b c.txt:2:1\tthe value of TOKEN\n`)
    expect(stdout).toMatch(new RegExp(`^${removal}:\\(commit message\\):\\d+:9\t`, 'm'))
    expect(stderr).toContain('pushed commits stay known')
    expect(stdout + stderr).not.toContain('canary')
    expect((await program.run(['scan'])).code).toBe(0)
  })

  it('searches what a reflog and each stash keep', async () => {
    const program = repository()
    for (const name of ['first', 'second']) {
      put(program, { [name]: `${name} ${canary}` })
      git(program, 'add', '-A')
      git(program, 'stash', '-q')
    }
    put(program, { 'undone.txt': `x${canary}` })
    git(program, 'add', '-A')
    git(program, 'commit', '-q', '-m', 'undone')
    const undone = git(program, 'rev-parse', 'HEAD').slice(0, 12)
    git(program, 'reset', '-q', '--hard', 'HEAD~1')
    const found = places(await program.run(['scan', '--history']))
    expect(found).toHaveLength(3)
    expect(found).toContain(`${undone}:undone.txt:1:2`)
    expect(found.join('\n')).toMatch(/:first:1:7[^]*:second:1:8|:second:1:8[^]*:first:1:7/)
  })

  describe('with an exclusion', () => {
    const kept = { 'z.snap': `x ${canary}` }
    const leaked = { 'a.txt': `x ${canary}` }
    const commit = (program: Program, message: string): string => {
      git(program, 'add', '-A')
      git(program, 'commit', '-q', '-m', message)
      return git(program, 'rev-parse', 'HEAD').slice(0, 12)
    }
    const scanned = async (program: Program): Promise<string[]> => places(await program.run(['scan', '--history', '--exclude', '*.snap']))

    it.each([
      ['first', [kept, leaked], 1],
      ['last', [leaked, kept], 0],
      ['as well', [{ ...kept, ...leaked }], 0],
      ['as well, before it in the tree', [{ ...kept, 'zz.txt': leaked['a.txt'] }], 0],
    ])('searches a content that stands at an excluded path %s', async (_, steps, at) => {
      const program = repository()
      const commits = steps.map((files) => {
        put(program, files)
        return commit(program, 'step')
      })
      const [path] = Object.keys(steps[at] ?? {}).filter((each) => !each.endsWith('.snap'))
      expect(await scanned(program)).toEqual([`${commits[at]}:${path}:1:3`])
    })

    it('searches a content that was renamed from or to an excluded path, in a merge or on a side branch', async () => {
      const program = repository()
      put(program, kept)
      commit(program, 'kept')
      git(program, 'switch', '-q', '-c', 'side')
      git(program, 'mv', 'z.snap', 'moved é.txt')
      const moved = commit(program, 'moved')
      git(program, 'mv', 'moved é.txt', 'z.snap')
      commit(program, 'back')
      git(program, 'switch', '-q', 'main')
      git(program, 'merge', '-q', '--no-ff', '--no-edit', 'side')
      expect(await scanned(program)).toEqual([`${moved}:moved é.txt:1:3`])
    })

    it('searches what a merge alone has brought', async () => {
      const program = repository()
      put(program, kept)
      commit(program, 'kept')
      git(program, 'switch', '-q', '-c', 'side')
      put(program, { 'side.txt': 'side' })
      commit(program, 'side')
      git(program, 'switch', '-q', 'main')
      git(program, 'merge', '-q', '--no-ff', '--no-commit', 'side')
      put(program, leaked)
      const merge = commit(program, 'merge')
      git(program, 'rm', '-q', 'a.txt')
      commit(program, 'removed')
      expect(await scanned(program)).toEqual([`${merge}:a.txt:1:3`])
    })

    it('searches a content that a tag names, or a tree with a tag', async () => {
      const program = repository()
      put(program, { ...kept, 'tree/y.snap': `y ${canary}` })
      commit(program, 'kept')
      git(program, 'tag', 'content', 'HEAD:z.snap')
      const blob = git(program, 'rev-parse', 'HEAD:tree/y.snap')
      const tree = spawnSync('git', ['mktree'], {
        cwd: program.folder,
        input: ['x.snap', 'y.txt'].map((name) => `100644 blob ${blob}\t${name}\n`).join(''),
        encoding: 'utf8',
      }).stdout.trim()
      git(program, 'tag', '-a', '-m', 'a tree', 'tree', tree)
      expect(await scanned(program)).toEqual(['(a tag):1:3', 'y.txt:1:3'])
    })

    it('leaves out what stands at excluded paths alone', async () => {
      const program = repository()
      put(program, { ...kept, 'deep/other.snap': kept['z.snap'] })
      commit(program, 'kept')
      expect(await scanned(program)).toEqual([])
    })
  })

  it('as a hook searches what is staged, not the files', async () => {
    const program = repository()
    put(program, { 'a.txt': canary, 'new.txt': `x ${canary}`, 'other.txt': canary })
    git(program, 'add', 'new.txt')
    put(program, { 'new.txt': 'mended in the file only' })
    expect(places(await program.run(['scan', '--staged']))).toEqual(['new.txt:1:3'])
    git(program, 'add', 'new.txt')
    expect((await program.run(['scan', '--staged'])).code).toBe(0)
  })

  it('refuses a commit as its hook', async () => {
    const program = repository()
    const hook = join(program.folder, '.git/hooks/pre-commit')
    const command = [process.execPath, ...programArgs, 'scan', '--staged'].map((part) => `'${part}'`).join(' ')
    writeFileSync(hook, `#!/bin/sh\nTOKEN=${canary} exec ${command}\n`)
    chmodSync(hook, 0o755)
    put(program, { 'sub/new.txt': canary })
    git(program, 'add', '-A')
    expect(() => git(program, 'commit', '-q', '-m', 'leak')).toThrow('1 place was found')
    put(program, { 'sub/new.txt': 'mended' })
    git(program, 'commit', '-q', '-m', 'mended', '-a')
    expect(git(program, 'log', '--format=%s')).toBe('mended\nfirst')
  })

  it('searches a repository without a commit', async () => {
    const program = project({ 'a.txt': canary })
    git(program, 'init', '-q')
    git(program, 'add', '-A')
    expect(places(await program.run(['scan', '--staged']))).toEqual(['a.txt:1:1'])
    expect((await program.run(['scan', '--history'])).code).toBe(0)
  })

  it('warns of a shallow clone', async () => {
    const [origin, program] = [repository(), project({})]
    put(origin, { 'a.txt': 'second' })
    git(origin, 'commit', '-q', '-a', '-m', 'second')
    git(program, 'init', '-q')
    git(program, 'fetch', '-q', '--depth', '1', `file://${origin.folder}`)
    git(program, 'update-ref', 'refs/heads/main', 'FETCH_HEAD')
    expect((await program.run(['scan', '--history'])).stderr).toContain('this clone is shallow')
  })

  it('needs a repository, and git', async () => {
    const { code, stderr } = await project({}).run(['scan', '--history'])
    expect(code).toBe(64)
    expect(stderr).toContain('in no git repository')
    const without = await project({}, { secrets }, { TOKEN: canary, PATH: '/nonexistent' }).run(['scan', '--staged'])
    expect(without.stderr).toContain('install git')
  })
})

describe('the credentials of the configuration', () => {
  const local = { provider: 'local', local: { key: { file: '.secrets.key' } }, fallbacks: [] }
  const key = 'key:Cn6WhTnNyKVkpOy4tYXgqS3K2qSgWmqcrdN1aKqQyZ4'

  it('are found in what git would take, and not in the file that has them', async () => {
    const program = project({ '.secrets.key': `${key}\n`, 'notes.txt': `the key is ${key.slice(4)}\n` }, local, {})
    git(program, 'init', '-q')
    git(program, 'add', '-f', '.')
    expect(places(await program.run(['scan']))).toEqual(['notes.txt:1:12'])
    const { code, stdout, stderr } = await program.run(['scan', '--staged'])
    expect(code).toBe(1)
    expect(stdout).toBe('.secrets.key:1:5\tthe credential local.key\nnotes.txt:1:12\tthe credential local.key\n')
    expect(stderr).toContain('local.key: renew it where it was given out')
    expect(stdout + stderr).not.toContain(key.slice(4))
    expect(JSON.parse((await program.run(['scan', '--staged', '--json'])).stdout)).toMatchObject({
      findings: [{ name: 'local.key', isCredential: true }, {}],
    })
  })

  it('are those of every store, in variables too, and of the targets of rotation', async () => {
    const target = { kind: 'redis', urls: ['rediss://cache'], administrator: 'a', password: { variable: 'ADMIN' }, user: 'app' }
    const config = { vault: { url: 'http://127.0.0.1:9' }, secrets, rotation: { TOKEN: { target } } }
    const env = { TOKEN: canary, ADMIN: 'password-of-redis', FINCHAT_VAULT_TOKEN: 'hvs.token-of-vault' }
    const { stdout } = await project({ 'a.txt': 'password-of-redis hvs.token-of-vault' }, config, env).run(['scan', '--only-values'])
    expect(stdout).toBe('a.txt:1:1\tthe credential rotation.TOKEN.target.password\na.txt:1:19\tthe credential vault.token\n')
  })

  it('are found in what a variable names, relative to where the program is', async () => {
    const program = project({ '.git/HEAD': '', 'app/.secrets.key': `${key}\n`, 'app/notes.txt': key.slice(4) }, { secrets }, {})
    const file = relative(process.cwd(), join(program.folder, 'app/.secrets.key'))
    const { run } = programIn(join(program.folder, 'app'), { FINCHAT_ENCRYPTION_KEY_FILE: file, TOKEN: canary, DB: canary })
    const { stdout, stderr } = await run(['scan', '--only-values', '.'])
    expect([stdout, stderr]).toEqual(['notes.txt:1:1\tthe credential local.key\n', expect.not.stringContaining('not looked for: local')])
  })

  it('that cannot be read are named', async () => {
    const config = { vault: { url: 'http://127.0.0.1:9', token: { file: 'no-such-token' } }, secrets }
    const { code, stderr } = await project({}, config).run(['scan'])
    expect(stderr).toContain('warning: vault.token is not looked for: ')
    expect(code).not.toBe(0)
  })
})
