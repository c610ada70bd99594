// `pnpm api`: the public surface of every package, as built, against the reports in `api/`;
// `pnpm api:update` rewrites them.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor'
import { publicPackages, readFiles, root, type Member } from './files.ts'

const temporary = join(root, 'node_modules/.cache/api')

interface Entry {
  readonly folder: string
  /** `core`, or `core-testing` for a further entry. */
  readonly report: string
  readonly types: string
}

function entriesWithTypes({ folder, manifest }: Member): Entry[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    if (typeof target !== 'object' || target === null || !('types' in target)) return []
    const report = basename(folder) + (subpath === '.' ? '' : `-${subpath.slice(2)}`)
    return { folder, report, types: join(root, folder, String(target.types)) }
  })
}

function configOf({ folder, report, types }: Entry): ExtractorConfig {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: join(root, folder),
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      apiReport: { enabled: true, reportFileName: report, reportFolder: join(root, 'api'), reportTempFolder: temporary },
      compiler: { overrideTsconfig: { compilerOptions: compiler, files: [types] } },
      messages: { extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } } },
    },
  })
}

/** api-extractor carries a TypeScript of its own, which reads what ours has built. */
const compiler = {
  target: 'es2024',
  lib: ['es2024', 'esnext'],
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
}

/** Returns whether the report is still right. */
function extract(entry: Entry, update: boolean): boolean {
  if (!existsSync(entry.types)) return fault(`${entry.folder} is not built: pnpm build`)
  const messageCallback = (message: ExtractorMessage): void => {
    if (message.logLevel === ExtractorLogLevel.Error) fault(message.text)
    message.handled = true
  }
  const { apiReportChanged, succeeded } = Extractor.invoke(configOf(entry), { localBuild: update, messageCallback })
  if (update) return succeeded
  const outdated = `api/${entry.report}.api.md no longer describes ${entry.folder}. If the change is meant: pnpm api:update`
  return !apiReportChanged || fault(`${difference(entry)}${outdated}`)
}

/** Lines of the report that are gone or new. */
function difference({ report }: Entry): string {
  const [known, fresh] = [join(root, 'api', `${report}.api.md`), join(temporary, `${report}.api.md`)]
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '-U0', known, fresh], { encoding: 'utf8' })
  return stdout.replace(/^(?![+-](?![+-])).*\n/gm, '')
}

function fault(text: string): false {
  console.error(text)
  return false
}

const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } })
for (const folder of [join(root, 'api'), temporary]) mkdirSync(folder, { recursive: true })
const results = publicPackages(readFiles())
  .flatMap(entriesWithTypes)
  .map((entry) => extract(entry, values.update))
process.exitCode = results.includes(false) ? 1 : 0
