// Finds the tests whose outcome may depend on the version of a foreign package.
import { posix } from 'node:path'
import { membersOf, type Files } from './files.ts'
import { importsOf } from './imports.ts'

/** The same versions everywhere, whatever a range says. */
const ofEveryTest = /^(vitest|fast-check)(\/|$)/
/** How a test names a program that it starts. */
const programName = /['"]((?:\.{0,2}\/)*[\w./-]+\.[cm]?[jt]s)['"]/g

/**
 * Those below `folders` that import a foreign package: by themselves, by what they import, or by a
 * program that one of these files names. Others cannot tell which versions are installed.
 */
export function versionTests(files: Files, folders: readonly string[]): string[] {
  const tests = [...reaching(sourceGraph(files))].filter((path) => path.endsWith('.test.ts'))
  return tests.filter((path) => folders.some((folder) => path.startsWith(`${folder}/src/`)))
}

interface Source {
  readonly isForeign: boolean
  readonly targets: readonly string[]
}

function sourceGraph(files: Files): ReadonlyMap<string, Source> {
  const entries = sourceEntries(files)
  const sources = [...files].filter(([path]) => /^packages\/[^/]+\/src\/.*\.[cm]?[jt]s$/.test(path))
  const paths = sources.map(([path]) => path)
  return new Map(
    sources.map(([path, text]) => {
      const imports = importsOf(text)
      const own = imports.flatMap((specifier) => entries.get(specifier) ?? (specifier.startsWith('.') ? inFolderOf(path, specifier) : []))
      return [path, { isForeign: imports.some((each) => isForeign(each, entries)), targets: [...own, ...programsIn(path, text, paths)] }]
    }),
  )
}

/** The source of each entry of our packages, by the name that imports it. Private ones keep their versions. */
function sourceEntries(files: Files): ReadonlyMap<string, string> {
  return new Map(
    membersOf(files).flatMap(({ folder, manifest }) =>
      Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]): [string, string][] => {
        const source: unknown = Object(target)['@finchat/source']
        return typeof source === 'string' ? [[manifest.name + subpath.slice(1), posix.join(folder, source)]] : []
      }),
    ),
  )
}

function isForeign(specifier: string, entries: ReadonlyMap<string, string>): boolean {
  return !/^(\.|node:)/.test(specifier) && !entries.has(specifier) && !ofEveryTest.test(specifier)
}

function inFolderOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier)
}

/** A name without a folder may be that of any file of its package: the folder is computed. */
function programsIn(path: string, text: string, paths: readonly string[]): string[] {
  const names = [...text.matchAll(programName)].map(([, name = '']) => name)
  const member = path.slice(0, path.indexOf('/src/') + 1)
  const inMember = paths.filter((each) => each.startsWith(member))
  return names.flatMap((name) => (name.startsWith('.') ? inFolderOf(path, name) : inMember.filter((each) => each.endsWith(`/${name}`))))
}

/** The files that import a foreign package, and those that lead to one. */
function reaching(graph: ReadonlyMap<string, Source>): ReadonlySet<string> {
  const found = new Set([...graph].filter(([, { isForeign: isOne }]) => isOne).map(([path]) => path))
  for (let before = -1; before < found.size;) {
    before = found.size
    for (const [path, { targets }] of graph) if (targets.some((target) => found.has(target))) found.add(path)
  }
  return found
}
