// `pnpm release:check`: whether the packages can be published as they are: licences, install scripts
// and advisories of what users install, an SBOM for each package, what a release would publish, and
// the workflows. `--sboms FOLDER` keeps the SBOMs there.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { publicPackages, readFiles, root, type Member } from './files.ts'
import { failure } from './pack.ts'
import { findActionlint } from './release/actionlint.ts'
import { auditOf } from './release/advisories.ts'
import { dryRunFaults, versionsOnNpm } from './release/dry-run.ts'
import { installedIn, installScriptFaults, licenceFaults } from './release/production-tree.ts'
import { sbomFaults, sbomFile } from './release/sbom.ts'
import { checkInScratch, type Tally } from './tally.ts'

const { values } = parseArgs({ options: { sboms: { type: 'string' } } })
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
  if (values.sboms !== undefined) cpSync(folder, values.sboms, { recursive: true })
  return packages.flatMap((member) => sbomFaults(member, readFileSync(join(folder, sbomFile(member.manifest.name)), 'utf8')))
}

/** pnpm packs each package, and sends nothing. */
async function dryRun(packages: readonly Member[]): Promise<string[]> {
  const { status, stdout, stderr } = spawnSync('pnpm', ['publish', '-r', '--dry-run', '--no-git-checks'], { cwd: root, encoding: 'utf8' })
  const said = stripVTControlCharacters(stdout + stderr)
  if (status !== 0) return [said]
  return dryRunFaults(packages, said, versionsOnNpm)
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
  const packages = publicPackages(readFiles())
  const installed = installedIn(pnpm('licenses', 'list', '--prod', '--json', ...published).stdout)
  await tally.timed(`licences of ${installed.length} packages`, () => licenceFaults(installed))
  await tally.timed('no install script', () => installScriptFaults(installed))
  await checkAdvisories(tally)
  await tally.timed('an SBOM for each package', () => writeSboms(packages, folder))
  await tally.timed('a dry run of a release', () => dryRun(packages))
  await checkWorkflows(tally)
})
