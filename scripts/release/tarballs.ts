// Whether packed tarballs are those that were recorded, and hold what this commit says.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Manifest, Member } from '../files.ts'

type Ranges = Readonly<Record<string, string>>

/** The file that pnpm packs a package into. */
export function tarballFile({ name, version }: Manifest): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}

/** As npm has it in `dist.integrity`. */
export function integrityOf(tarball: string): string {
  return `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
}

/** Compares each file of a folder with the lines that `sha256sum` printed when it was packed. */
export function digestFaults(folder: string, digests: string): string[] {
  const recorded = new Map([...digests.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)].map(([, digest, file]) => [file, digest]))
  const files = readdirSync(folder)
  const lost = [...recorded.keys()].filter((file) => !files.includes(file ?? '')).map((file) => `${file} was packed, and is not here`)
  const other = files.filter((file) => recorded.get(file) !== sha256Of(join(folder, file)))
  return [...lost, ...other.map((file) => `${file} is not what was packed: its SHA-256 was not recorded`)]
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/**
 * What a tarball must not bring beside the code in `dist` and `src`: another manifest than this
 * commit's, with a script or a dependency of its own, or `binding.gyp`, for which npm runs a build.
 */
export function tarballFaults({ manifest }: Member, folder: string, all: readonly Member[]): string[] {
  const tarball = join(folder, tarballFile(manifest))
  if (!existsSync(tarball)) return [`${manifest.name}@${manifest.version} was not packed`]
  const versions = new Map(all.map((member) => [member.manifest.name, member.manifest.version]))
  const expected = packedManifest(manifest, versions)
  const packed = JSON.parse(tar('-xzOf', tarball, 'package/package.json')) as Manifest
  const fields = [...new Set([...Object.keys(expected), ...Object.keys(packed)])].filter((field) => field !== 'devDependencies')
  const surplus = tar('-tzf', tarball)
    .split('\n')
    .filter((path) => path !== '' && !isPackable(path))
  return [
    ...fields.filter((field) => !isDeepStrictEqual(packed[field], expected[field])).map((field) => `the tarball has another "${field}"`),
    ...surplus.map((path) => `the tarball must not have ${path}`),
  ].map((fault) => `${manifest.name}: ${fault}`)
}

function tar(...args: readonly string[]): string {
  return execFileSync('tar', args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
}

/** npm drops the first part of a path, whatever it is. */
function isPackable(path: string): boolean {
  return /^package\/((package\.json|README\.md|CHANGELOG\.md|LICENSE)|(dist|src)(\/(?!\.)[^/]+)+)$/.test(path)
}

/** pnpm moves `publishConfig` to its place, and writes versions for `workspace:^`. */
function packedManifest({ publishConfig, ...manifest }: Manifest, versions: ReadonlyMap<string, string | undefined>): Manifest {
  const moved = publishConfig as Partial<Manifest> | undefined // the structure rules allow `exports` alone
  const ranges = Object.entries({ dependencies: manifest.dependencies, peerDependencies: manifest.peerDependencies })
  const packed = ranges.flatMap(([field, known]) => (known ? [[field, packedRanges(known, versions)]] : []))
  return { ...manifest, ...moved, ...Object.fromEntries(packed) }
}

function packedRanges(ranges: Ranges, versions: ReadonlyMap<string, string | undefined>): Ranges {
  const entries = Object.entries(ranges)
  return Object.fromEntries(entries.map(([name, range]) => [name, range === 'workspace:^' ? `^${versions.get(name)}` : range]))
}

/** Each behind those that it needs, so that what is published can be installed at once. */
export function inDependencyOrder(packages: readonly Member[]): Member[] {
  const ordered = new Set<Member>()
  const add = (member: Member): void => {
    const { dependencies, peerDependencies } = member.manifest
    const needed = packages.filter(({ manifest }) => manifest.name in { ...dependencies, ...peerDependencies })
    for (const each of needed) if (!ordered.has(each)) add(each)
    ordered.add(member)
  }
  packages.forEach(add)
  return [...ordered]
}
