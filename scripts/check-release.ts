// `pnpm release:check`: whether the packages can be published as they are: licences, install scripts
// and advisories of what users install, an SBOM and a tarball for each package, whether npm would take
// it as `latest`, and the workflows. `--keep FOLDER` keeps the SBOMs and the tarballs there.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publicPackages, readFiles, root, type Files, type Member } from './files.ts'
import { failure, packAll } from './pack.ts'
import { findActionlint } from './release/actionlint.ts'
import { auditOf } from './release/advisories.ts'
import { latestFaults, versionsOnNpm } from './release/on-npm.ts'
import { installedIn, installScriptFaults, licenceFaults } from './release/production-tree.ts'
import { sbomFaults, sbomFile } from './release/sbom.ts'
import { tarballFaults } from './release/tarballs.ts'
import { checkInScratch, type Tally } from './tally.ts'

const { values } = parseArgs({ options: { keep: { type: 'string' } } })
const published = ['--filter', './packages/*']

function pnpm(...args: string[]): { stdout: string; stderr: string } {
  return spawnSync('pnpm', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
}

function writeSboms(packages: readonly Member[], folder: string): string[] {
  const faults = failure('pnpm', [
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--prod',
    '--split',
    ...published,
    '--out',
    join(folder, '%s.json'),
  ])
  if (faults.length > 0) return faults
  return packages.flatMap((member) => sbomFaults(member, readFileSync(join(folder, sbomFile(member.manifest.name)), 'utf8')))
}

function packTarballs(files: Files, packages: readonly Member[], folder: string): string[] {
  packAll(files, folder)
  return packages.flatMap((member) => tarballFaults(member, folder, packages))
}

async function takenAsLatest(packages: readonly Member[]): Promise<string[]> {
  const faults = packages.map(async ({ manifest }) => latestFaults(manifest, await versionsOnNpm(manifest.name)))
  return (await Promise.all(faults)).flat()
}

async function checkAdvisories(tally: Tally): Promise<void> {
  const { stdout, stderr } = pnpm('audit', '--prod', '--json')
  const { faults, notRun } = auditOf(stdout, stderr)
  if (notRun !== undefined) return tally.notRun('advisories: audit not run', notRun, true)
  await tally.timed('advisories', () => faults)
}

async function checkWorkflows(tally: Tally): Promise<void> {
  const program = findActionlint(join(root, '.cache'))
  if (program === undefined) return tally.notRun('workflows', 'install actionlint or Go, or name actionlint by ACTIONLINT', true)
  await tally.timed('workflows', () => failure(program, ['-no-color']))
}

await checkInScratch('release-', async (folder, tally) => {
  const files = readFiles()
  const packages = publicPackages(files)
  const installed = installedIn(pnpm('licenses', 'list', '--prod', '--json', ...published).stdout)
  await tally.timed(`licences of ${installed.length} packages`, () => licenceFaults(installed))
  await tally.timed('no install script', () => installScriptFaults(installed))
  await checkAdvisories(tally)
  await tally.timed('an SBOM for each package', () => writeSboms(packages, folder))
  await tally.timed('a tarball for each package', () => packTarballs(files, packages, folder))
  await tally.timed('nothing older becomes `latest`', () => takenAsLatest(packages))
  await checkWorkflows(tally)
  if (values.keep !== undefined) cpSync(folder, values.keep, { recursive: true })
})
