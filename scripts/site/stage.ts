// Lays the site's pages into a folder: copies of the documents, with the links of the site.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, type Files } from '../files.ts'
import { pagesOf, type Pages } from './pages.ts'
import { siteText } from './site-links.ts'

/** Returns the pages that it laid there. */
export function stagePages(files: Files, folder: string): Pages {
  rmSync(folder, { recursive: true, force: true })
  const pages = pagesOf(files)
  const charts = new Map([...files].filter(([path]) => path.startsWith('docs/charts/')))
  for (const [path, place] of pages) {
    const { text, pictures } = siteText(path, files.get(path) ?? '', pages, charts)
    write(join(folder, `${place}.md`), text)
    for (const picture of pictures) copyPicture(picture, join(folder, 'public'))
  }
  write(join(folder, 'sources.json'), JSON.stringify(Object.fromEntries([...pages].map(([path, place]) => [`${place}.md`, path]))))
  return pages
}

function copyPicture(path: string, folder: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  copyFileSync(join(root, path), join(folder, path))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
