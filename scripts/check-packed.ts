// `pnpm packed`: packs every package, looks at the tarballs, and uses them as an outside consumer
// would, from CommonJS and ESM.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFiles, root } from './files.ts'
import { preloads } from './manifest-rules.ts'
import { failure, packAll, type Packed } from './pack.ts'
import { installPacked, readmeExamples } from './packed-consumer.ts'
import { loadFaults, outputOf } from './packed-load.ts'
import { contentsOf, tarballFaults } from './packed-rules.ts'
import { runExamples } from './run-examples.ts'
import { checkInScratch } from './tally.ts'
import { newestNodes, supportedNodes } from './toolchain.mjs'

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

await checkInScratch('packed-', async (folder, tally) => {
  const files = readFiles()
  const packages = packAll(files, folder)
  const consumer = join(folder, 'consumer')
  for (const each of packages) tally.add(inspect(each))
  tally.add(contentFaults(packages))
  if (!tally.add(installPacked(packages, consumer))) return
  const compilerOptions = { skipLibCheck: false }
  for (const node of [...supportedNodes(), ...newestNodes()]) {
    tally.add(loadFaults(packages, consumer, node))
    tally.add(await runExamples(readmeExamples(files, packages), { folder: consumer, node, compilerOptions }))
  }
  tally.add(recordRelease(packages, consumer))
  tally.add(runPrograms(packages, consumer))
})
