import { globSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A fenced block of a document. */
export interface Block {
  /** Where it stands: the document and its line. */
  readonly place: string
  /** What its fence says, such as `json`. */
  readonly language: string
  readonly text: string
}

const root: string = fileURLToPath(new URL('../../../../', import.meta.url))

/** The fenced blocks of the documents that match a pattern, from the root of the repository. */
export function blocksOf(pattern: string): Block[] {
  return globSync(root + pattern).flatMap((path) => {
    const document = readFileSync(path, 'utf8')
    return [...document.matchAll(/^```(\S*).*\n([^]*?)^```$/gm)].map(({ 1: language = '', 2: text = '', index }) => ({
      place: `${relative(root, path)}:${document.slice(0, index).split('\n').length}`,
      language,
      text,
    }))
  })
}
