// The second half of a package's `build`: bundles each entry into one file, with shared chunks
// beside it. Names and lines stay as written, for readers of installed code. Comments are in
// declarations and `src`.
import { appendFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type CodeSplittingGroup, rolldown } from 'rolldown'
import { isOwnModule, programChunks } from './bundled-modules.ts'
import type { Manifest } from './files.ts'
import { requirableFiles } from './requirable.ts'

/** Sources by the name of the built file. */
type Sources = Readonly<Record<string, string>>

function sourcesOf(targets: Readonly<Record<string, unknown>> = {}): Sources {
  const built = Object.values(targets).flatMap((target) => JSON.stringify(target).match(/dist\/[\w-]+\.js/g) ?? [])
  return Object.fromEntries(built.map((path) => basename(path, '.js')).map((name) => [name, `src/${name}.ts`]))
}

/** Modules that most entries of core need are one chunk. A chunk has what its modules import. */
const entryChunks: Readonly<Record<string, CodeSplittingGroup[]>> = {
  '@finchat/secrets-core': [{ name: 'base', minShareCount: 4 }],
}

async function write(input: Sources, chunks: string, groups: CodeSplittingGroup[] = []): Promise<void> {
  const bundle = await rolldown({ input, platform: 'node', external: (specifier) => !isOwnModule(specifier) })
  const { output } = await bundle.write({
    dir: 'dist',
    format: 'esm',
    comments: false,
    minifyInternalExports: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    entryFileNames: '[name].js',
    chunkFileNames: `${chunks}[name].js`,
    codeSplitting: { groups },
  })
  await bundle.close()
  for (const chunk of output) if (chunk.type === 'chunk' && chunk.map === null) writeEmptyMap(chunk.fileName)
}

/** A chunk that only passes on another has nothing to map; tools look for the file all the same. */
function writeEmptyMap(file: string): void {
  const map = { version: 3, file: basename(file), sources: [], names: [], mappings: '' }
  writeFileSync(`dist/${file}.map`, JSON.stringify(map))
  appendFileSync(`dist/${file}`, `//# sourceMappingURL=${basename(file)}.map\n`)
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest // the structure rules check it
for (const former of globSync('dist/**/*.{js,js.map,cjs,d.cts}')) rmSync(former)
// Programs apart from entries: an entry that only passes on a shared chunk has no map. Their chunks
// have a folder of their own, since both may have one of the same name.
for (const [sources, chunks, groups] of [
  [sourcesOf(manifest.exports), '', entryChunks[manifest.name]],
  [sourcesOf(manifest.bin), 'chunks/', programChunks],
] as const) {
  if (Object.keys(sources).length > 0) await write(sources, chunks, groups)
}
for (const [path, content] of Object.entries(requirableFiles(manifest))) writeFileSync(path, content)
