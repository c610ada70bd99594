// The code that our documentation shows, taken out so that it can be run.
import { isTestCode, publicPackages, type Files } from './files.ts'

export interface Example {
  /** A file name that says where the code stands: `packages.core.README.md.line12.ts`. */
  readonly file: string
  readonly code: string
  /** It needs what is not there, such as a server: it must compile, and is not run. */
  readonly isOnlyCompiled?: true
}

/** The first `ts` block of a README: what a reader tries first. */
export function readmeExample(path: string, text: string): Example | undefined {
  const block = text.match(/^```ts\n(.*?)^```$/ms)
  return block?.[1] === undefined ? undefined : exampleAt(path, lineOf(text, block.index ?? 0) + 1, block[1])
}

/** Every `ts` block of a README or a guide. */
export function runExamplesIn(path: string, text: string): Example[] {
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)]
  return blocks.map(({ 1: code = '', index }) => exampleAt(path, lineOf(text, index) + 1, code))
}

/** The `ts check` blocks of a README or a guide. */
export function compiledExamples(path: string, text: string): Example[] {
  return [...text.matchAll(/^```ts check\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => ({
    ...exampleAt(path, lineOf(text, index) + 1, code),
    isOnlyCompiled: true,
  }))
}

/** Every `@example` in the docstrings of a source file, with or without a code fence. */
export function docExamples(path: string, text: string): Example[] {
  return [...text.matchAll(/^[ \t]*\/\*\*.*?\*\//gms)].flatMap((comment) => {
    const lines = comment[0]
      .replace(/\*\/$/, '')
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, ''))
    const firstLine = lineOf(text, comment.index)
    return lines.flatMap((line, index) =>
      line.startsWith('@example') ? exampleAt(path, firstLine + index + 1, codeBelow(lines, index)) : [],
    )
  })
}

/** The lines up to the next tag. */
function codeBelow(lines: string[], tag: number): string {
  const below = lines.slice(tag + 1)
  const end = below.findIndex((line) => /^@(example|param|returns|throws|see|deprecated|internal|remarks)\b/.test(line))
  const code = end === -1 ? below : below.slice(0, end)
  return (
    code
      .filter((line) => !line.startsWith('```'))
      .join('\n')
      .trim() + '\n'
  )
}

/** READMEs of the root and of packages, and guides. */
const documents = /^(packages\/[^/]+\/)?README\.md$|^docs\/[^/]+\.md$/

/** Its last `ts` block is a suite of vitest, which tests/examples compares and runs. */
const withOneApart = 'docs/custom-provider.md'

/** Every example of these documents, and of the packages' docstrings. */
export function allExamples(files: Files): Example[] {
  return [...files].flatMap(([path, text]) => {
    if (documents.test(path)) {
      const run = runExamplesIn(path, text)
      return [...(path === withOneApart ? run.slice(0, -1) : run), ...compiledExamples(path, text)]
    }
    return /^packages\/[^/]+\/src\/.+\.ts$/.test(path) && !isTestCode(path) ? docExamples(path, text) : []
  })
}

/** READMEs, the root's or a package's, that are missing or whose reader finds nothing to try. */
export function readmesWithoutExample(files: Files): string[] {
  const readmes = ['README.md', ...publicPackages(files).map(({ folder }) => `${folder}/README.md`)]
  return readmes.filter((path) => !readmeExample(path, files.get(path) ?? ''))
}

/** Examples of documents that would run and name a path outside of the empty folder, where they might write. */
export function unsafeExamples(files: Files): string[] {
  const run = [...files].flatMap(([path, text]) => (documents.test(path) ? runExamplesIn(path, text) : []))
  return run.filter(({ code }) => /['"`]\/(etc|home|mnt|opt|srv|tmp|usr|var)\//.test(code)).map(({ file }) => file)
}

/** What the code says that it prints: the comments behind `console.log(…)`. */
export function expectedLines(code: string): string[] {
  return [...code.matchAll(/^.*\bconsole\.log\(.*\)\s*\/\/ ?(.*)$/gm)].map(([, line = '']) => line.trim())
}

/** The first expected line that was not printed, in their order; other lines may stand between. */
export function firstUnprinted(expected: readonly string[], printed: string): string | undefined {
  const lines = printed.split('\n').map((line) => line.trim())
  return expected.find((line) => {
    const found = lines.indexOf(line)
    lines.splice(0, found + 1)
    return found === -1
  })
}

function exampleAt(path: string, line: number, code: string): Example {
  return { file: `${path.replaceAll('/', '.').replace(/\.ts$/, '')}.line${line}.ts`, code }
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
