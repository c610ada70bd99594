import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

interface Link {
  readonly source: string
  readonly target: string
}

/**
 * Makes the symbolic links that PostgreSQL's package lists, since npm packs none. Its install
 * script for that is not run.
 */
export function linkLibraries(packageFolder: string): void {
  const manifest = join(packageFolder, 'native/pg-symlinks.json')
  if (!existsSync(manifest)) return
  for (const { source, target } of linksIn(readFileSync(manifest, 'utf8'))) {
    const path = join(packageFolder, target)
    if (!existsSync(path)) symlinkSync(posix.relative(dirname(target), source), path)
  }
}

function linksIn(manifest: string): readonly Link[] {
  const links: unknown = JSON.parse(manifest)
  if (!Array.isArray(links) || !links.every(isLink)) throw new Error('the list of links in the package of PostgreSQL is not understood')
  return links
}

/** Both ends lie in the package's own folder. */
function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' && value !== null && 'source' in value && 'target' in value && [value.source, value.target].every(isOwnPath)
  )
}

function isOwnPath(path: unknown): boolean {
  return typeof path === 'string' && path.startsWith('native/') && !path.includes('\0') && posix.normalize(path) === path
}
