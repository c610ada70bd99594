// The second half of a package's `build`: bundles each entry into one file, with shared chunks
// beside it. Names and lines stay as written, for readers of installed code. Comments are in
// declarations and `src`.
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { rolldown } from 'rolldown'
import type { Manifest } from './files.ts'
import { requirableFiles } from './requirable.ts'

/** The sources of what the manifest exports and runs, by the name of the built file. */
function entrySources({ exports = {}, bin = {} }: Manifest): Record<string, string> {
  const built = [...Object.values(exports), ...Object.values(bin)].flatMap(
    (target) => JSON.stringify(target).match(/dist\/[\w-]+\.js/g) ?? [],
  )
  return Object.fromEntries(built.map((path) => basename(path, '.js')).map((name) => [name, `src/${name}.ts`]))
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest // the structure rules check it
const bundle = await rolldown({
  input: entrySources(manifest),
  platform: 'node',
  external: (specifier) => !/^[./]|^src\//.test(specifier),
})
for (const former of globSync('dist/**/*.{js,js.map,cjs,d.cts}')) rmSync(former)
await bundle.write({
  dir: 'dist',
  format: 'esm',
  comments: false,
  minifyInternalExports: false,
  sourcemap: true,
  sourcemapExcludeSources: true,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
})
await bundle.close()
for (const [path, content] of Object.entries(requirableFiles(manifest))) writeFileSync(path, content)
