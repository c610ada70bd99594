// The pages of the documentation site: where each comes from, and where it stands.
import { posix } from 'node:path'
import type { Files } from '../files.ts'

/** The site's path of a page, without a suffix, by the document's path in the repository. */
export type Pages = ReadonlyMap<string, string>

/** For those who change the code, not for those who use it: read in the repository. */
const unlisted: readonly string[] = ['docs/where-rules-live.md']

const places: readonly (readonly [RegExp, (match: RegExpMatchArray) => string])[] = [
  [/^docs\/decisions\/README\.md$/, () => 'decisions/index'],
  [/^docs\/((?:decisions\/)?[^/]+)\.md$/, ([, name = '']) => name],
  [/^packages\/([^/]+)\/README\.md$/, ([, name = '']) => `packages/${name}`],
  [/^examples\/([^/]+)\/README\.md$/, ([, name = '']) => `examples/${name}`],
  [/^(SECURITY|ARCHITECTURE|CONTRIBUTING)\.md$/, ([, name = '']) => name.toLowerCase()],
  [/^benchmarks\/README\.md$/, () => 'benchmarks'],
]

export function pagesOf(files: Files): Pages {
  const documents = [...files.keys()].filter((path) => path.endsWith('.md') && !unlisted.includes(path))
  return new Map(documents.flatMap((path) => placeOf(path)))
}

function placeOf(path: string): [string, string][] {
  const [match, place] = places.map(([pattern, each]) => [path.match(pattern), each] as const).find(([found]) => found) ?? []
  return match && place ? [[path, place(match)]] : []
}

/** The page that a path of the repository means: a document, or a folder with a README. */
export function pageAt(pages: Pages, path: string): string | undefined {
  return pages.get(path) ?? pages.get(posix.join(path, 'README.md'))
}
