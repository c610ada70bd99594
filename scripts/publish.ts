// `node scripts/publish.ts FOLDER`, in the job that may publish: sends the tarballs that another job
// packed, of each version that npm does not have, with a provenance. It runs nothing that is installed:
// Node's own modules, npm, git and tar. DIGESTS is what `sha256sum` printed in the job that packed.
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { publicPackages, readFiles, root, type Member } from './files.ts'
import { newestIn } from './range-versions.ts'
import { integrityOnNpm, latestFaults, versionsOnNpm } from './release/on-npm.ts'
import { digestFaults, inDependencyOrder, integrityOf, tarballFaults, tarballFile } from './release/tarballs.ts'
import { SetupError } from './toolchain.mjs'

/** The oldest npm that logs in by the identity of a workflow (trusted publishing). */
const oldestNpm = '11.5.1'

interface Release extends Member {
  /** `@finchat/secrets-core@0.1.0`: its tag has the same name. */
  readonly spec: string
  readonly tarball: string
  /** The versions that npm has. */
  readonly had: readonly string[]
  /** The hash of what npm has under this version. */
  readonly onNpm: string | undefined
}

/** GitHub gives this to a job that may prove who it is. Without it a package would have no provenance. */
const proof = process.env['ACTIONS_ID_TOKEN_REQUEST_URL']
const unproven = 'Releases are published by .github/workflows/release.yml, which proves where they come from.'

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new SetupError(`${faults.join('\n')}\nNothing was published.`)
}

function npmFaults(): string[] {
  const version = execFileSync('npm', ['--version'], { encoding: 'utf8' }).trim()
  const isNewEnough = newestIn([oldestNpm, version]) === version
  return isNewEnough ? [] : [`npm is ${version}: trusted publishing needs npm ${oldestNpm} or later`]
}

async function releaseOf(member: Member, folder: string): Promise<Release> {
  const { name, version = '' } = member.manifest
  const spec = `${name}@${version}`
  const had = await versionsOnNpm(name)
  const onNpm = had.includes(version) ? await integrityOnNpm(spec) : undefined
  return { ...member, spec, had, tarball: join(folder, tarballFile(member.manifest)), onNpm }
}

const isOther = ({ onNpm, tarball }: Release): boolean => onNpm !== undefined && onNpm !== integrityOf(tarball)

/** A tag says from which commit a version was published: main may have moved on since. */
function contentFaults(release: Release): string[] {
  const { spec, onNpm } = release
  const tagged = commitOf(`refs/tags/${spec}`)
  if (!isOther(release) || (tagged !== undefined && tagged !== commitOf('HEAD'))) return []
  return [`npm has ${spec} with other contents (${onNpm}), and no tag names another commit for it: find out who published it`]
}

function commitOf(revision: string): string | undefined {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** Adds to `published.txt` what npm has from these tarballs, for `.ci/tag-release`. */
function publish(release: Release, folder: string): void {
  const { spec, tarball, onNpm } = release
  if (isOther(release)) return console.log(`${spec} stays as it was tagged: what has changed since needs a new version`)
  if (onNpm === undefined) {
    const args = ['publish', tarball, '--provenance', '--access', 'public', '--ignore-scripts']
    if (spawnSync('npm', args, { cwd: root, stdio: 'inherit' }).status !== 0) throw new SetupError(`npm did not take ${spec}`)
  }
  appendFileSync(join(folder, 'published.txt'), `${spec}\n`)
}

async function main(folder: string): Promise<void> {
  refuse(proof === undefined ? [unproven] : [...npmFaults(), ...digestFaults(folder, process.env['DIGESTS'] ?? '')])
  const packages = inDependencyOrder(publicPackages(readFiles()))
  refuse(packages.flatMap((member) => tarballFaults(member, folder, packages)))
  const releases = await Promise.all(packages.map((member) => releaseOf(member, folder)))
  refuse(releases.flatMap((release) => [...latestFaults(release.manifest, release.had), ...contentFaults(release)]))
  for (const release of releases) publish(release, folder)
}

try {
  await main(resolve(process.argv[2] ?? '')) // npm takes a relative `a/b.tgz` for a repository of GitHub
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
