// `pnpm packed`: packs every package, looks at the tarballs, and uses them as an outside consumer
// would, from CommonJS and ESM.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readmeExample, type Example } from './examples.ts'
import { readFiles, root, type Files } from './files.ts'
import { unpinned } from './lockfile.ts'
import { preloads } from './manifest-rules.ts'
import { failure, packAll, tarballSpecs, type Packed } from './pack.ts'
import { loadFaults, outputOf } from './packed-load.ts'
import { contentsOf, tarballFaults } from './packed-rules.ts'
import { runExamples } from './run-examples.ts'
import { checkInScratch } from './tally.ts'
import { supportedNodes } from './toolchain.mjs'

function pathsIn({ tarball }: Packed): string[] {
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
  return listed.split('\n').map((path) => path.replace(/^package\//, ''))
}

const snapshot = join(root, 'scripts/packed-contents.txt')

/** A new kind of file, or a missing one, is a decision: `pnpm packed --update` takes it. */
function contentFaults(packages: readonly Packed[]): string[] {
  const lines = packages.flatMap((each) => contentsOf(pathsIn(each)).map((path) => `${each.manifest.name}/${path}`))
  if (process.argv.includes('--update')) writeFileSync(snapshot, `${lines.join('\n')}\n`)
  const kept = readFileSync(snapshot, 'utf8').trimEnd().split('\n')
  return [
    ...lines.filter((line) => !kept.includes(line)).map((line) => `a tarball has what it did not have: ${line}`),
    ...kept.filter((line) => !lines.includes(line)).map((line) => `a tarball lacks what it had: ${line}`),
  ]
}

function inspect(packed: Packed): string[] {
  const { folder, manifest, tarball } = packed
  const packedManifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })
  return [
    ...tarballFaults(pathsIn(packed), packedManifest).map((fault) => `${folder}: ${fault}`),
    ...failure('publint', ['run', tarball, '--strict']),
    ...(manifest.exports
      ? failure('attw', [tarball, '--profile', 'strict', '--no-emoji', '--no-color', ...withoutPreloads(manifest)])
      : []),
  ]
}

/** What `node --import` loads is not required. */
function withoutPreloads({ exports = {} }: Packed['manifest']): string[] {
  const found = preloads.filter((subpath) => Object.hasOwn(exports, subpath))
  return found.length === 0 ? [] : ['--exclude-entrypoints', ...found]
}

/**
 * A project that depends on the tarballs. Their dependencies are those that this repository locks:
 * pnpm takes versions from an existing lockfile, and compares each hash before it downloads.
 */
function install(packages: readonly Packed[], folder: string): string[] {
  const tarballs = tarballSpecs(packages)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies: tarballs }))
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), JSON.stringify({ packages: ['.'], overrides: tarballs, pmOnFail: 'ignore' }))
  const [locked, lockfile] = [join(root, 'pnpm-lock.yaml'), join(folder, 'pnpm-lock.yaml')]
  copyFileSync(locked, lockfile)
  const resolving = failure('pnpm', ['install', '--lockfile-only', '--no-frozen-lockfile', '--prefer-offline', '--ignore-scripts'], folder)
  if (resolving.length > 0) return resolving
  const strangers = unpinned(readFileSync(lockfile, 'utf8'), readFileSync(locked, 'utf8'))
  if (strangers.length > 0) return strangers.map((name) => `${name} would be installed, which pnpm-lock.yaml does not pin`)
  return failure('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'], folder)
}

/**
 * What reads the package's own manifest finds it from `dist`, too, where it lies in another folder
 * than in `src`.
 */
function recordRelease(packages: readonly Packed[], folder: string): string[] {
  const version = packages.find(({ manifest }) => manifest.name === '@finchat/secrets-audit')?.manifest.version
  writeFileSync(join(folder, 'release.mjs'), printRelease)
  const printed = outputOf(process.execPath, 'release.mjs', folder)
  return printed === `${version}\n` ? [] : [`a record of the packed audit trail must name release ${version}, but: ${printed}`]
}

const printRelease = `
import { auditTrail, functionSink } from '@finchat/secrets-audit'
const trail = auditTrail({ sinks: [functionSink(({ release }) => console.log(release))] })
await trail.record({ time: 0, operation: 'get', phase: 'outcome', name: 'a', outcome: 'ok' }, { signal: AbortSignal.timeout(5_000) })
`

/** Every command answers `--help`. */
function runPrograms(packages: readonly Packed[], folder: string): string[] {
  const programs = packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))
  return programs.flatMap((program) => failure(join(folder, 'node_modules/.bin', program), ['--help'], folder))
}

/**
 * The READMEs' first examples: what a stranger copies must type-check and run against what they
 * install.
 */
function readmeExamples(files: Files, packages: readonly Packed[]): Example[] {
  return ['README.md', ...packages.map(({ folder }) => `${folder}/README.md`)].flatMap(
    (path) => readmeExample(path, files.get(path) ?? '') ?? [],
  )
}

await checkInScratch('packed-', async (folder, tally) => {
  const files = readFiles()
  const packages = packAll(files, folder)
  const consumer = join(folder, 'consumer')
  for (const each of packages) tally.add(inspect(each))
  tally.add(contentFaults(packages))
  if (!tally.add(install(packages, consumer))) return
  const compilerOptions = { skipLibCheck: false }
  for (const node of supportedNodes()) {
    tally.add(loadFaults(packages, consumer, node))
    tally.add(await runExamples(readmeExamples(files, packages), { folder: consumer, node, compilerOptions }))
  }
  tally.add(recordRelease(packages, consumer))
  tally.add(runPrograms(packages, consumer))
})
