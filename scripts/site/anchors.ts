// Anchors of the built site, in the form that GitHub gives them: the documents are read there too.
import { posix } from 'node:path'

/** The anchor of a heading, as GitHub writes it. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}

/** What is wrong with the links of built pages, by their paths such as `packages/core.html`. */
export function linkFaults(pages: ReadonlyMap<string, string>): string[] {
  const anchors = new Map([...pages].map(([path, html]) => [path, new Set(attributes(html, 'id'))]))
  return [...pages].flatMap(([path, html]) => {
    const links = new Set(attributes(html, 'href').filter((href) => !/^[a-z]+:|^\/\/|^\/assets\//.test(href)))
    return [...links].flatMap((href) => faultOf(path, href, anchors))
  })
}

function faultOf(path: string, href: string, anchors: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { pathname, hash } = new URL(href, `https://site/${path}`)
  const target = fileOf(decodeURIComponent(pathname).slice(1))
  if (/\.(svg|png|ico|json|css|js)$/.test(target)) return []
  const found = anchors.get(target)
  if (found === undefined) return [`${path}: there is no page '${href}'`]
  return hash === '' || found.has(decodeURIComponent(hash.slice(1))) ? [] : [`${path}: there is no anchor '${href}'`]
}

function fileOf(pathname: string): string {
  if (pathname === '' || pathname.endsWith('/')) return posix.join(pathname, 'index.html')
  return /\.[a-z]+$/.test(pathname) ? pathname : `${pathname}.html`
}

function attributes(html: string, name: string): string[] {
  const pattern = new RegExp(String.raw`\s${name}="([^"]*)"`, 'g')
  return [...html.matchAll(pattern)].flatMap(([, value]) => (value === undefined ? [] : value.replaceAll('&amp;', '&')))
}
