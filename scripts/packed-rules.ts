/** What is wrong with a tarball, from the paths in it and its manifest. */
export function tarballFaults(paths: readonly string[], manifest: string): string[] {
  const has = new Set(paths)
  const missing = ['README.md', 'LICENSE'].filter((path) => !has.has(path)).map((path) => `the tarball lacks ${path}`)
  const unwanted = paths
    .filter((path) => /\.test\.|^(src|dist)\/testing\/|\.tsbuildinfo$/.test(path))
    .map((path) => `the tarball must not have ${path}`)
  const modules = paths.flatMap((path) => path.match(/^dist\/(.+)\.js$/)?.[1] ?? [])
  const incomplete = modules.flatMap((module) =>
    [`dist/${module}.js.map`, `dist/${module}.d.ts`, `dist/${module}.d.ts.map`, `src/${module}.ts`]
      .filter((path) => !has.has(path))
      .map((path) => `dist/${module}.js is there without ${path}: remove dist and build again`),
  )
  const protocol = manifest.match(/"(workspace|catalog|link):[^"]*"/)?.[0]
  return [...missing, ...unwanted, ...incomplete, ...(protocol ? [`the packed manifest says ${protocol}`] : [])]
}
