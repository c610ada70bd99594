// The links of documents, which may be read outside of this repository.
import { posix } from 'node:path'

export const repositoryUrl = 'https://github.com/finchat/secrets'

/** The targets of `[text](target)` and of `[label]: target`. */
export function linksIn(prose: string): string[] {
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm)]
  return links.flatMap(([, target]) => target ?? [])
}

/** The labels of `[text][label]` that no `[label]: target` defines. */
export function undefinedLabels(prose: string): string[] {
  const used = [...prose.matchAll(/\]\[([^\]]+)\]/g)].flatMap(([, label]) => label ?? [])
  return used.filter((label) => !prose.includes(`\n[${label}]: `))
}

/** The path from the root that a link in a document of `folder` names; none on another site. */
export function pathOf(link: string, folder: string): string[] {
  const target = link.replace(/#.*$/, '')
  const [own, path = ''] = target.split(/\/(?:blob|tree)\/main\//)
  if (own === repositoryUrl) return [path]
  return target === '' || isAbsolute(link) ? [] : [posix.join(folder, target)]
}

export function isAbsolute(link: string): boolean {
  return /^[a-z]+:/.test(link)
}
