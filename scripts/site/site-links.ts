// The links of a document, as the site has them. In the repository they lead from file to file; on
// npm a README's are absolute.
import { posix } from 'node:path'
import { pathOf, repositoryUrl } from '../links.ts'
import { pageAt, type Pages } from './pages.ts'

export interface SiteText {
  readonly text: string
  /** Pictures that the text shows, as paths of the repository. */
  readonly pictures: readonly string[]
}

const inline = /(!?)(\[(?:[^[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)/g
const labelled = /^(\[[^\]]+\]: )(\S+)$/gm
const code = /^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2 *$|(?<!`)(`+)(?!`)[^\n]*?(?<!`)\3(?!`)/gm

/**
 * Rewrites the links outside of code. `path` is the document's. `charts` become a part of the page,
 * so that they take its colours.
 */
export function siteText(path: string, text: string, pages: Pages, charts: ReadonlyMap<string, string> = new Map()): SiteText {
  const pictures: string[] = []
  const folder = posix.dirname(path)
  const rewritten = outsideCode(text, (prose) =>
    prose
      .replaceAll(inline, (_, mark: string, label: string, link: string) => {
        if (mark === '') return `${label}(${siteLink(link, folder, pages)})`
        const [picture = link] = pathOf(link, folder)
        if (charts.has(picture)) return charts.get(picture) ?? ''
        pictures.push(picture)
        return `!${label}(/${picture})`
      })
      .replaceAll(labelled, (_, label: string, link: string) => label + siteLink(link, folder, pages)),
  )
  return { text: rewritten, pictures }
}

/** A link whose text is code would lie in pieces: the code is set aside and put back. */
function outsideCode(text: string, change: (prose: string) => string): string {
  const kept: string[] = []
  const prose = text.replaceAll(code, (piece) => `\0${kept.push(piece) - 1}\0`)
  return change(prose).replaceAll(/\0(\d+)\0/g, (_, index: string) => kept[Number(index)] ?? '')
}

/** A page of the site, a file of the repository on GitHub, or the link as it is. */
export function siteLink(link: string, folder: string, pages: Pages): string {
  const [path] = pathOf(link, folder)
  if (path === undefined) return link
  const anchor = link.match(/#.*$/)?.[0] ?? ''
  const page = pageAt(pages, path.replace(/\/$/, ''))
  if (page !== undefined) return `/${page.replace(/(^|\/)index$/, '$1')}${anchor}`
  return `${repositoryUrl}/${/\.[a-z]+$/i.test(path) ? 'blob' : 'tree'}/main/${path}${anchor}`
}
