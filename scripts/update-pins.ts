// `pnpm pins:update`: writes the hashes of everything fetched besides the locked dependencies, from
// npm into `scripts/pins.json`, from PyPI into `tests/servers/pins/`. `--upgrade` updates moto's
// dependencies.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeScratch, root } from './files.ts'
import { ownEnvironment } from './npm-package.mjs'
import { aptLocks, installerOfPins, npmSpecs, pipLocks } from './pinned.ts'

const env = ownEnvironment()
const file = join(root, 'scripts/pins.json')
const known = new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)) // written below

/** As npm's own client finds it. What a version is does not change once it is published. */
function integrityOf(spec: string): string {
  const printed = execFileSync('npm', ['view', spec, 'dist.integrity', '--json'], { cwd: root, env, encoding: 'utf8' })
  const integrity: unknown = JSON.parse(printed)
  if (typeof integrity !== 'string' || !integrity.startsWith('sha512-')) throw new Error(`npm knows no sha512 of ${spec}`)
  const before = known.get(spec) ?? integrity
  if (before !== integrity)
    throw new Error(`${spec} was pinned as ${before}, but npm has ${integrity}: find out why, and change nothing before`)
  return integrity
}

/** uv, which locks for all systems at once; pip and pip-tools lock for the one that they run on. */
function installUv(folder: string): string {
  const locked = join(root, installerOfPins.lock)
  const pinned = existsSync(locked) ? ['--require-hashes', '-r', locked] : installerOfPins.packages
  execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', folder, '--only-binary=:all:', ...pinned], { cwd: folder, env })
  return join(folder, 'bin/uv')
}

/** What is locked already stays as it is where it fits. */
function lock(uv: string, { lock: path, packages, withDependencies }: (typeof pipLocks)[number], upgrade: boolean): void {
  const output = join(root, path)
  const options = ['--universal', '--generate-hashes', '--no-header', '--no-annotate', '--quiet', '--python-version', '3.11']
  const further = [...(withDependencies ? [] : ['--no-deps']), ...(upgrade ? ['--upgrade'] : [])]
  mkdirSync(join(output, '..'), { recursive: true })
  execFileSync(uv, ['pip', 'compile', '-', '-o', output, ...options, ...further], {
    cwd: root,
    env,
    input: packages.join('\n'),
    stdio: ['pipe', 'ignore', 'inherit'],
  })
}

/** For the system that it runs on, by Debian's signed lists; lines of other systems stay. */
function lockDebian({ spec, lock: path }: (typeof aptLocks)[number]): void {
  const { status, stdout } = spawnSync('apt-cache', ['show', spec], { encoding: 'utf8' })
  const field = (name: string): string => stdout?.match(new RegExp(`^${name}: (.+)$`, 'm'))?.[1] ?? ''
  if (status !== 0) return console.log(`${path} stays as it is: no apt here knows ${spec}`)
  const archive = basename(field('Filename'))
  const output = join(root, path)
  const others = existsSync(output)
    ? readFileSync(output, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.endsWith(archive))
    : []
  writeFileSync(output, `${[...others, `${field('SHA256')}  ${archive}`].toSorted().join('\n')}\n`)
}

const { values } = parseArgs({ options: { upgrade: { type: 'boolean', default: false } } })
const hashes = Object.fromEntries(npmSpecs.toSorted().map((spec) => [spec, integrityOf(spec)]))
writeFileSync(file, `${JSON.stringify(hashes, null, 2)}\n`)
const folder = makeScratch('uv-')
try {
  const uv = installUv(folder)
  for (const each of pipLocks) lock(uv, each, values.upgrade)
  for (const each of aptLocks) lockDebian(each)
} finally {
  rmSync(folder, { recursive: true })
}
