// Writes the API reference from the sources: a page for each entry of each package. The first
// argument is the folder of the site's pages, the others are packages. typedoc knows no TypeScript
// newer than 6, so that this folder has its own.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Application, Converter, ReflectionKind } from 'typedoc'

const [, , folder, ...packages] = process.argv
const root = fileURLToPath(new URL('..', import.meta.url))
/** What is imported, such as `@finchat/secrets-core/live`, by the path of its source. */
const entries = new Map(packages.flatMap((path) => entriesOf(path)))

function entriesOf(path) {
  const { name, exports = {} } = JSON.parse(readFileSync(`${root}${path}/package.json`, 'utf8'))
  const sources = Object.entries(exports).filter(([, target]) => target.require) // what acts on the process that loads it exports nothing
  return sources.map(([subpath, target]) => [`${path}/${target['@finchat/source'].slice(2)}`, name + subpath.slice(1)])
}

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: [...entries.keys()].map((path) => root + path),
  tsconfig: `${root}docs/tsconfig.reference.json`,
  basePath: root,
  out: `${folder}/reference`, // without it typedoc would empty this folder
  cleanOutputDir: false,
  skipErrorChecking: true, // `pnpm typecheck` checks them, with the compiler of this repository
  excludeInternal: true,
  excludeExternals: true,
  disableGit: true,
  disableSources: true,
  readme: 'none',
  name: 'API reference',
  router: 'module',
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  groupOrder: ['Functions', 'Classes', 'Variables', '*'],
  useHTMLAnchors: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
  enumMembersFormat: 'table',
  logLevel: 'Warn',
})
app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
  if (!reflection.kindOf(ReflectionKind.Module)) return
  const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName
  if (file) reflection.name = entries.get(relative(root, file)) ?? reflection.name
})

const project = await app.convert()
if (!project) throw new Error('typedoc could not read the sources')
await app.generateOutputs(project)

// typedoc numbers anchors otherwise than VitePress would: a heading says its own.
for (const path of readdirSync(`${folder}/reference`, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.md')) continue
  const text = readFileSync(`${folder}/reference/${path}`, 'utf8')
  writeFileSync(`${folder}/reference/${path}`, text.replaceAll(/^<a id="([^"]+)"><\/a>\n\n(#+ .+)$/gm, '$2 {#$1}'))
}

/** The menu: a link for each entry, as the index lists them. */
const index = readFileSync(`${folder}/reference/index.md`, 'utf8')
const links = [...index.matchAll(/^- \[@finchat\/(.+)\]\((.+)\.md\)$/gm)]
writeFileSync(`${folder}/reference.json`, JSON.stringify(links.map(([, text, path]) => ({ text, link: `/reference/${path}` }))))
