import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { root, type Manifest, type Member } from '../files.ts'
import { findOnPath } from '../find-program.ts'
import { ownEnvironment } from '../npm-package.mjs'
import { digestFaults, inDependencyOrder, tarballFaults } from './tarballs.ts'
import { TestRegistry } from './test-registry.ts'

// A repository of two packages, of which `a` needs `b`, with the scripts of the job that publishes.
let project = ''
let registry = new TestRegistry()
const at = (...path: readonly string[]): string => join(project, ...path)
const scripts = [
  'publish.ts',
  'files.ts',
  'range-versions.ts',
  'toolchain.mjs',
  'npm-package.mjs',
  'pnpm-store.mjs',
  'pins.json',
  'release/on-npm.ts',
  'release/tarballs.ts',
]
const members: readonly Member[] = ['a', 'b'].map((name) => ({ folder: `packages/${name}`, manifest: manifestOf(name) }))
const tarballs = { a: 'x-a-0.1.0.tgz', b: 'x-b-0.1.0.tgz' }

function manifestOf(name: string): Manifest {
  return {
    name: `@x/${name}`,
    version: '0.1.0',
    files: ['dist', 'src'],
    exports: { '.': { '@x/source': './src/index.ts', default: './dist/index.js' } },
    publishConfig: { exports: { '.': { default: './dist/index.js' } } },
    ...(name === 'a' ? { dependencies: { '@x/b': 'workspace:^' } } : {}),
    devDependencies: { c: '1.0.0' },
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), text)
}

function git(...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: project, stdio: 'ignore' })
}

/** Writes and packs a package, as the job without rights does. */
function pack(name: string, manifest: object = manifestOf(name), folder: string = 'release'): void {
  write(`packages/${name}/package.json`, JSON.stringify(manifest))
  for (const file of ['README.md', 'src/index.ts', 'dist/index.js']) write(`packages/${name}/${file}`, `of ${name}`)
  repack(name, folder)
}

function repack(name: string, folder: string): void {
  const args = ['pack', '--pack-destination', at(folder)]
  execFileSync('pnpm', args, { cwd: at('packages', name), env: ownEnvironment(), stdio: 'ignore' })
}

/** Changes what is packed behind pnpm's back, as a tool of the build could. */
function tamper(name: 'a' | 'b', change: (folder: string) => void): void {
  const folder = at('tampered')
  mkdirSync(folder)
  execFileSync('tar', ['-xzf', at('release', tarballs[name]), '-C', folder])
  change(folder)
  execFileSync('bash', ['-c', 'find package -type f | tar -czf "$0" -T -', at('release', tarballs[name])], { cwd: folder })
}

const digests = (): string => execFileSync('bash', ['-c', 'sha256sum -- *'], { cwd: at('release'), encoding: 'utf8' })

/** npm itself, without `--provenance`: that needs GitHub and the log of Sigstore. */
function installNpm(version: string = ''): void {
  const asked = version === '' ? '' : `case "$*" in --version) echo ${version}; exit;; esac`
  const npm = `for each; do shift; [ "$each" = --provenance ] || set -- "$@" "$each"; done; exec "${findOnPath('npm')}" "$@"`
  write('bin/npm', `#!/bin/sh\necho "$*" >>"${at('asked')}"\n${asked}\n${npm}\n`)
  chmodSync(at('bin/npm'), 0o755)
}

interface Ended {
  readonly status: number | null
  readonly output: string
}

function publish(env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const machine = { ...ownEnvironment(), ...registry.environment(at('npm')), PATH: `${at('bin')}:${process.env['PATH']}` }
  const options = { cwd: project, env: { ...machine, DIGESTS: digests(), ...env } }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['scripts/publish.ts', 'release'], options)
    let output = ''
    const collect = (chunk: Buffer): void => void (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('close', (status) => resolve({ status, output }))
  })
}

const sent = (): string[] => registry.published.map(({ name }) => name)
const listed = (): string[] =>
  existsSync(at('release/published.txt')) ? readFileSync(at('release/published.txt'), 'utf8').split('\n') : []

async function expectRefused(message: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { status, output } = await publish(env)
  expect([status, output]).toEqual([1, expect.stringContaining(message)])
  expect([sent(), listed()]).toEqual([[], []])
}

beforeEach(async () => {
  const [own, ownRegistry] = [mkdtempSync(join(tmpdir(), 'publish-test-')), new TestRegistry()]
  project = own
  registry = ownRegistry
  await registry.start()
  onTestFinished(() => {
    ownRegistry.close()
    rmSync(own, { recursive: true })
  })
  for (const path of scripts) cpSync(join(root, 'scripts', path), at('scripts', path))
  write('pnpm-workspace.yaml', 'packages: [packages/*]\npmOnFail: ignore\n')
  write('.gitignore', 'node_modules/\nrelease/\n')
  write('packages/a/node_modules/@x/.keep', '')
  symlinkSync('../../../b', at('packages/a/node_modules/@x/b'))
  for (const { folder, manifest } of members) write(`${folder}/package.json`, JSON.stringify(manifest))
  for (const name of ['b', 'a']) pack(name)
  installNpm()
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'a')
})

describe('a release', () => {
  test('sends the packed bytes by the identity of the workflow, with a provenance, each package behind those that it needs', async () => {
    expect(await publish()).toMatchObject({ status: 0 })
    expect(registry.published).toEqual([
      { name: '@x/b', access: 'public', tarball: readFileSync(at('release', tarballs.b)) },
      { name: '@x/a', access: 'public', tarball: readFileSync(at('release', tarballs.a)) },
    ])
    expect(registry.documents.get('@x/a')?.['dist-tags']).toEqual({ latest: '0.1.0' })
    expect(readFileSync(at('asked'), 'utf8').match(/^publish .*--provenance --access public/gm)).toHaveLength(2)
    expect(listed()).toEqual(['@x/b@0.1.0', '@x/a@0.1.0', ''])
  })

  test('that was broken off is finished by the next run, which lists all for their tags', async () => {
    registry.refused = '@x/a'
    expect(await publish()).toMatchObject({ status: 1, output: expect.stringContaining('npm did not take @x/a@0.1.0') })
    expect([sent(), listed()]).toEqual([['@x/b'], ['@x/b@0.1.0', '']])
    rmSync(at('release/published.txt'))
    registry.refused = ''
    expect(await publish()).toMatchObject({ status: 0 })
    expect([sent(), listed()]).toEqual([
      ['@x/b', '@x/a'],
      ['@x/b@0.1.0', '@x/a@0.1.0', ''],
    ])
  })

  test('is refused if npm has other contents under a version, and no tag of a former commit explains it', async () => {
    registry.add('@x/b', '0.1.0', Buffer.from('of another'))
    await expectRefused('npm has @x/b@0.1.0 with other contents (sha512-')
    git('tag', '@x/b@0.1.0')
    await expectRefused('npm has @x/b@0.1.0 with other contents (sha512-')
    git('commit', '--quiet', '--allow-empty', '--message', 'b')
    expect(await publish()).toMatchObject({ status: 0, output: expect.stringContaining('@x/b@0.1.0 stays as it was tagged') })
    expect([sent(), listed()]).toEqual([['@x/a'], ['@x/a@0.1.0', '']])
  })

  test('is refused if an older version would become `latest`', async () => {
    registry.add('@x/a', '0.2.0')
    await expectRefused('@x/a@0.1.0 would become `latest`, and npm has 0.2.0')
  })

  test('is refused if the registry does not tell what it has', async () => {
    registry.isDown = true
    await expectRefused('npm did not tell the versions of @x/')
  })

  test('is refused if a tarball is not what was packed, before it is unpacked', async () => {
    const recorded = digests()
    writeFileSync(at('release', tarballs.a), 'no tarball')
    await expectRefused('x-a-0.1.0.tgz is not what was packed', { DIGESTS: recorded })
    await expectRefused('x-b-0.1.0.tgz is not what was packed', { DIGESTS: '' })
  })

  test('is refused with an npm that cannot log in by an identity', async () => {
    installNpm('10.9.8')
    await expectRefused('npm is 10.9.8: trusted publishing needs npm 11.5.1 or later')
  })

  test('is refused outside of the workflow', async () => {
    await expectRefused('Nothing was published.', { ACTIONS_ID_TOKEN_REQUEST_URL: undefined })
  })
})

describe('what was packed', () => {
  const faults = (): string[] => members.flatMap((member) => tarballFaults(member, at('release'), members))

  test('has the same bytes each time, whatever the times and the rights of its files are', () => {
    const path = at('packages/a/dist/index.js')
    utimesSync(path, 1_000, 1_000)
    chmodSync(path, 0o600)
    mkdirSync(at('again'))
    repack('a', 'again')
    expect(readFileSync(at('again', tarballs.a))).toEqual(readFileSync(at('release', tarballs.a)))
  })

  test('is what the commit says', () => {
    expect(faults()).toEqual([])
    rmSync(at('release', tarballs.b))
    expect(faults()).toEqual(['@x/b@0.1.0 was not packed'])
  })

  test.each([
    ['scripts', { scripts: { postinstall: 'node x.js' } }],
    ['dependencies', { dependencies: { '@x/b': '^0.1.0', c: '^1.0.0' } }],
    ['dependencies', { dependencies: { '@x/b': '^0.0.9' } }],
    ['bin', { bin: { b: 'dist/index.js' } }],
    ['name', { name: '@x/b' }],
    ['version', { version: '9.9.9' }],
  ])('must not have another "%s" than the commit', (field, change) => {
    tamper('a', (folder) => {
      const path = join(folder, 'package/package.json')
      writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as Manifest), ...change }))
    })
    expect(faults()).toEqual([`@x/a: the tarball has another "${field}"`])
  })

  test.each(['binding.gyp', '.npmrc', 'npm-shrinkwrap.json', 'node_modules/c/index.js', 'dist/.hidden', 'distant/index.js'])(
    'must not have %s, which the build does not make',
    (path) => {
      tamper('a', (folder) => {
        mkdirSync(dirname(join(folder, 'package', path)), { recursive: true })
        writeFileSync(join(folder, 'package', path), '')
      })
      expect(faults()).toContain(`@x/a: the tarball must not have package/${path}`)
    },
  )

  test('is found by its digests: a file that changed, came or went', () => {
    const recorded = digests()
    expect(digestFaults(at('release'), recorded)).toEqual([])
    writeFileSync(at('release', tarballs.a), 'other')
    renameSync(at('release', tarballs.b), at('release/other.tgz'))
    expect(digestFaults(at('release'), recorded)).toEqual([
      'x-b-0.1.0.tgz was packed, and is not here',
      'other.tgz is not what was packed: its SHA-256 was not recorded',
      'x-a-0.1.0.tgz is not what was packed: its SHA-256 was not recorded',
    ])
  })
})

test('packages are ordered by what users install with them, not by what tests need', () => {
  const member = (name: string, needs: object): Member => ({ folder: name, manifest: { name, ...needs } })
  const all = [
    member('cli', { peerDependencies: { vault: '^1.0.0' }, dependencies: { core: '^1.0.0' } }),
    member('vault', { dependencies: { core: '^1.0.0', other: '^1.0.0' } }),
    member('core', { devDependencies: { cli: '^1.0.0' } }),
  ]
  expect(inDependencyOrder(all).map(({ folder }) => folder)).toEqual(['core', 'vault', 'cli'])
})
