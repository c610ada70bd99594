// `pnpm ranges lowest` or `newest`: what published packages depend on, in the lowest or the newest
// versions that they accept. In a copy of this repository, the tests that use foreign packages and need
// no server run with these versions; then the packed packages are installed with them, loaded and
// tried. Names behind it, such as `cache-keyv`, choose packages. A package whose versions are the locked ones is not
// tested again: `npm test` did that.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readmeExample } from './examples.ts'
import { publicPackages, readFiles, root, type Files, type Manifest, type Member } from './files.ts'
import { ownEnvironment } from './npm-package.mjs'
import { failure, packAll, tarballSpecs } from './pack.ts'
import { loadFaults } from './packed-load.ts'
import { publishedRanges } from './range-rules.ts'
import { lowestOf, newestOf, versionIn } from './range-versions.ts'
import { runExamples } from './run-examples.ts'
import { checkInScratch } from './tally.ts'
import { SetupError } from './toolchain.mjs'
import { versionTests } from './version-tests.ts'

type Versions = Readonly<Record<string, string>>

/** A package with the versions that it is tested with. */
interface Trial {
  readonly member: Member
  readonly versions: Versions
}

function trialsOf(files: Files, versionOf: (name: string, range: string) => string): Trial[] {
  return publicPackages(files).flatMap((member) => {
    const foreign = publishedRanges(member.manifest).filter(([name]) => !name.startsWith('@finchat/'))
    const versions = Object.fromEntries(foreign.map(([name, range]) => [name, versionOf(name, range)]))
    return foreign.length > 0 ? [{ member, versions }] : []
  })
}

/** A copy without servers, so that only the tests run that need none. */
function testCopy(files: Files, trials: readonly Trial[], folder: string): string[] {
  for (const path of files.keys()) cpSync(join(root, path), join(folder, path))
  for (const { member, versions } of trials) setVersions(join(folder, member.folder, 'package.json'), versions)
  const { CI: _, ...env }: NodeJS.ProcessEnv = ownEnvironment()
  const installed = failure('pnpm', ['install', '--no-frozen-lockfile', '--ignore-scripts', '--prefer-offline'], folder, env)
  if (installed.length > 0) return installed
  const tests = versionTests(
    files,
    trials.map(({ member }) => member.folder),
  )
  return failure('pnpm', ['exec', 'vitest', 'run', '--reporter=dot', '--passWithNoTests', ...tests], folder, env)
}

/** Whether `npm test` runs with just these versions. */
function areLocked({ member: { folder, manifest }, versions }: Trial): boolean {
  const sections = [manifest.dependencies ?? {}, manifest.devDependencies ?? {}]
  const lockedOf = (entry: string): string | undefined => readManifest(join(root, folder, 'node_modules', entry, 'package.json')).version
  return Object.entries(versions).every(([name, version]) =>
    sections.some((section) => Object.keys(versionIn(section, name, version)).some((entry) => lockedOf(entry) === version)),
  )
}

/** Where the package names a dependency, as its own or for its tests. */
function setVersions(path: string, versions: Versions): void {
  const manifest = readManifest(path)
  for (const section of [manifest.dependencies, manifest.devDependencies]) {
    if (section) for (const [name, version] of Object.entries(versions)) Object.assign(section, versionIn(section, name, version))
  }
  writeFileSync(path, JSON.stringify(manifest, null, 2))
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest // a package.json
}

/** The packed packages, beside these versions: they load, and the READMEs' first examples run. */
async function tryPacked(files: Files, trials: readonly Trial[], folder: string): Promise<string[]> {
  const packages = packAll(files, folder)
  const consumer = join(folder, 'consumer')
  const versions = Object.assign({}, ...trials.map((trial) => trial.versions)) as Versions // one version of each
  const manifest = { name: 'consumer', private: true, type: 'module', dependencies: { ...tarballSpecs(packages), ...versions } }
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest))
  const installed = failure(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    consumer,
    ownEnvironment(),
  )
  if (installed.length > 0) return installed
  const examples = packages.flatMap(({ folder: from }) => readmeExample(`${from}/README.md`, files.get(`${from}/README.md`) ?? '') ?? [])
  const compilerOptions = { skipLibCheck: true }
  return [...loadFaults(packages, consumer, process.execPath), ...(await runExamples(examples, { folder: consumer, compilerOptions }))]
}

const [, , end = '', ...only] = process.argv
await checkInScratch('ranges-', async (folder, tally) => {
  if (end !== 'lowest' && end !== 'newest') throw new SetupError('pnpm ranges lowest, or: pnpm ranges newest')
  const files = readFiles()
  const all = trialsOf(files, end === 'newest' ? newestOf : (_, range) => lowestOf(range))
  const trials = all.filter(({ member }) => only.length === 0 || only.includes(basename(member.folder)))
  for (const { member, versions } of trials) {
    console.log(
      `${member.folder.padEnd(24)} ${Object.entries(versions)
        .map((each) => each.join('@'))
        .join(', ')}`,
    )
  }
  const fresh = trials.filter((trial) => !areLocked(trial))
  tally.add(fresh.length > 0 ? testCopy(files, fresh, join(folder, 'copy')) : [])
  tally.add(await tryPacked(files, trials, folder))
})
