/**
 * The packages that a `pnpm-lock.yaml` names, `name@version` or where they lie, with their hashes.
 */
function hashesIn(lockfile: string): ReadonlyMap<string, string | undefined> {
  const [, packages = ''] = /^packages:\n([^]*?)(?=^\S|$(?![^]))/m.exec(lockfile) ?? []
  const entries = packages.matchAll(/^ {2}'?([^\s'][^\n]*?)'?:\n((?: {4}.*\n)*)/gm)
  return new Map([...entries].map(([, name = '', members = '']) => [name, /integrity: ([^\s,}]+)/.exec(members)?.[1]]))
}

/**
 * Names what one lockfile would install that the other does not pin by the same hash; our own
 * tarballs count for nothing.
 */
export function unpinned(lockfile: string, pinned: string): string[] {
  const known = hashesIn(pinned)
  const foreign = [...hashesIn(lockfile)].filter(([name]) => !/@file:[^:]*\.tgz$/.test(name))
  return foreign.filter(([name, hash]) => hash === undefined || known.get(name) !== hash).map(([name]) => name)
}
