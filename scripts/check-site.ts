// `pnpm site`: builds the documentation site into docs/dist and looks for dead links. A page that
// leads to no page fails VitePress's build; a link to a missing anchor is found here. Where there is
// a Chromium, pages are looked at too; PICTURES names a folder for what was seen. Nothing is downloaded.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lookAt } from '../docs/look.ts'
import { chromium, needsChromium } from './find-program.ts'
import { publicPackages, readFiles, root } from './files.ts'
import { failure } from './pack.ts'
import { linkFaults } from './site/anchors.ts'
import { menuFaults } from './site/navigation.ts'
import { stagePages } from './site/stage.ts'
import { Tally } from './tally.ts'

const docs = join(root, 'docs')
const [staged, built] = [join(docs, '.cache/pages'), join(docs, 'dist')]
const tally = new Tally()

function builtPages(): Map<string, string> {
  const paths = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'))
  return new Map(paths.map((path) => [path, readFileSync(join(built, path), 'utf8')]))
}

function build(): string[] {
  const entries = publicPackages(files).filter(({ manifest }) => manifest.exports)
  const faults = failure(process.execPath, ['reference.mjs', staged, ...entries.map(({ folder }) => folder)], docs)
  return faults.length > 0 ? faults : failure('pnpm', ['exec', 'vitepress', 'build', '.'], docs)
}

async function lookAtSite(): Promise<void> {
  await tally.timed('anchors', () => linkFaults(builtPages()))
  const program = chromium()
  if (program === undefined) return tally.notRun('pages in a browser', needsChromium, true)
  await tally.timed('pages in a browser', () => lookAt({ site: built, program, pictures: process.env['PICTURES'] || undefined }))
}

const files = readFiles()
rmSync(built, { recursive: true, force: true })
await tally.timed('pages and their menu', () => menuFaults(stagePages(files, staged).values()))
if (await tally.timed('site with its reference, no dead link', build)) await lookAtSite()
process.exitCode = tally.end()
