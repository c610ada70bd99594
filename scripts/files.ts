import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Every file that git has or would add, as text by its path from the root. */
export type Files = ReadonlyMap<string, string>

export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** One folder with a package.json below the root; `folder` is `packages/core`. */
export interface Member {
  readonly folder: string
  readonly manifest: Manifest
}

export const root: string = fileURLToPath(new URL('..', import.meta.url))

/**
 * A new folder for installed code. Below this repository, since Node looks for imports in all
 * folders above a program, and a folder above the temporary one may be another user's.
 */
export function makeScratch(prefix: string): string {
  mkdirSync(join(root, '.cache'), { recursive: true })
  return mkdtempSync(join(root, '.cache', prefix))
}

export function readFiles(): Files {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  const paths = new Set(listed.split('\0').filter(Boolean))
  return new Map([...paths].flatMap((path) => textOf(path)))
}

/** Nothing for a file that git still lists but that is gone. */
function textOf(path: string): [string, string][] {
  try {
    return [[path, readFileSync(join(root, path), 'utf8')]]
  } catch {
    return []
  }
}

export function membersOf(files: Files): Member[] {
  return [...files].flatMap(([path, text]) => {
    const folder = path.match(/^((packages|examples|tests)\/[^/]+|benchmarks)\/package\.json$/)?.[1]
    return folder ? [{ folder, manifest: parseManifest(text) }] : []
  })
}

/** Tests, and in `src/testing` what only they share; neither is published. */
export function isTestCode(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/src/testing/')
}

/** The packages that are published. */
export function publicPackages(files: Files): Member[] {
  return membersOf(files).filter(({ manifest }) => manifest.private !== true)
}

/**
 * What a package can be imported as: `@finchat/secrets-core`, and any further entry that it
 * exports.
 */
export function entriesOf({ manifest }: Member): string[] {
  const subpaths = Object.keys(manifest.exports ?? {}).filter((subpath) => subpath !== './package.json')
  return subpaths.map((subpath) => manifest.name + subpath.slice(1))
}

/** The entries that a program may also require; the others act on the process that loads them. */
export function requirableEntriesOf({ manifest }: Member): string[] {
  const requirable = Object.entries(manifest.exports ?? {}).filter(([, target]) => JSON.stringify(target).includes('"require"'))
  return requirable.map(([subpath]) => manifest.name + subpath.slice(1))
}

function parseManifest(text: string): Manifest {
  return JSON.parse(text) as Manifest // a package.json; the structure rules check its members
}
