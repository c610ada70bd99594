/** What is wrong with a tarball, from the paths in it and its manifest. */
export function tarballFaults(paths: readonly string[], manifest: string): string[] {
  const has = new Set(paths)
  const missing = ['README.md', 'LICENSE', 'CHANGELOG.md'].filter((path) => !has.has(path)).map((path) => `the tarball lacks ${path}`)
  const surplus = paths.filter(isUnwanted).map((path) => `the tarball must not have ${path}`)
  const wanted = paths.filter((path) => !isUnwanted(path))
  const incomplete = wanted.flatMap((path) =>
    companionsOf(path)
      .filter((companion) => !has.has(companion))
      .map((companion) => `${path} is there without ${companion}: remove dist and build again`),
  )
  const protocol = manifest.match(/"(workspace|catalog|link):[^"]*"/)?.[0]
  const said = protocol ?? manifest.match(/"@finchat\/source"/)?.[0]
  return [...missing, ...surplus, ...incomplete, ...(said ? [`the packed manifest says ${said}`] : [])]
}

/**
 * What a tarball holds, to be compared with what it held: files of its root and the built entries by
 * their names, others by folder and kind, since a new source is no news.
 */
export function contentsOf(paths: readonly string[]): string[] {
  return [...new Set(paths.filter(Boolean).map(kindOf))].toSorted()
}

function kindOf(path: string): string {
  const [, folder = '', name = ''] = path.match(/^(.+)\/([^/]+)$/) ?? []
  if (folder === '' || (folder === 'dist' && /\.(cjs|d\.cts)$/.test(name))) return path
  return `${folder}/*${name.replace(/^[^.]*/, '')}`
}

function isUnwanted(path: string): boolean {
  return /\.test\.|^(src|dist)\/testing\/|\.tsbuildinfo$/.test(path)
}

/**
 * Files that a reader needs: for code its map, for declarations their map and source, for a source
 * its declarations, and for what `require` loads its declarations and the ES module.
 */
function companionsOf(path: string): string[] {
  const declared = path.match(/^dist\/(.+)\.d\.ts$/)?.[1]
  if (declared !== undefined) return [`${path}.map`, `src/${declared}.ts`]
  const source = path.match(/^src\/(.+)\.ts$/)?.[1]
  if (source !== undefined) return [`dist/${source}.d.ts`]
  const entry = path.match(/^dist\/(.+)\.(?:cjs|d\.cts)$/)?.[1]
  if (entry !== undefined) return [`dist/${entry}.cjs`, `dist/${entry}.d.cts`, `dist/${entry}.js`]
  return path.endsWith('.js') ? [`${path}.map`] : []
}
