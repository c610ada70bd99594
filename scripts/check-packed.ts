// `pnpm packed`: packs every package, looks at the tarballs, and uses them as an outside consumer
// would, from CommonJS and ESM.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readmeExample, type Example } from './examples.ts'
import { entriesOf, makeScratch, publicPackages, readFiles, root, type Files, type Member } from './files.ts'
import { unpinned } from './lockfile.ts'
import { tarballFaults } from './packed-rules.ts'
import { runExamples } from './run-examples.ts'
import { SetupError, supportedNodes } from './toolchain.mjs'

interface Packed extends Member {
  readonly tarball: string
}

function pack(member: Member, folder: string): Packed {
  const cwd = join(root, member.folder)
  const printed = execFileSync('pnpm', ['pack', '--json', '--pack-destination', folder], { cwd, encoding: 'utf8' })
  const { filename } = JSON.parse(printed) as { filename: string } // pnpm's own answer
  return { ...member, tarball: filename }
}

function inspect({ folder, manifest, tarball }: Packed): string[] {
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
  const packedManifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })
  const paths = listed.split('\n').map((path) => path.replace(/^package\//, ''))
  return [
    ...tarballFaults(paths, packedManifest).map((fault) => `${folder}: ${fault}`),
    ...failure('publint', ['run', tarball, '--strict']),
    ...(manifest.exports ? failure('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color']) : []),
  ]
}

/**
 * A project that depends on the tarballs. Their dependencies are those that this repository locks:
 * pnpm takes versions from an existing lockfile, and compares each hash before it downloads.
 */
function install(packages: readonly Packed[], folder: string): string[] {
  const tarballs = Object.fromEntries(packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]))
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

/** Importing succeeds, prints nothing and keeps nothing open; both ways give the same names. */
function load(packages: readonly Packed[], folder: string, node: string): string[] {
  const entries = JSON.stringify(packages.flatMap(entriesOf))
  writeFileSync(join(folder, 'load.cjs'), `const loaded = ${entries}.map((name) => require(name)); ${printNames}`)
  writeFileSync(
    join(folder, 'load.mjs'),
    `const loaded = []; for (const name of ${entries}) loaded.push(await import(name)); ${printNames}`,
  )
  const [required, imported] = ['load.cjs', 'load.mjs'].map((file) => outputOf(node, file, folder))
  if (required === imported && required?.match(/^\[\[.*\]\]\n$/)) return [] // one line: no module has printed
  return [`${node}: require() and import of ${entries} must both work, silently and alike, but print:`, `${required}\n${imported}`]
}

/** `module.exports` is Node's own addition on import. */
const printNames =
  "console.log(JSON.stringify(loaded.map((entry) => Object.keys(entry).filter((name) => name !== 'module.exports').sort())))"

function outputOf(node: string, file: string, cwd: string): string {
  const { stdout, stderr } = spawnSync(node, [file], { cwd, encoding: 'utf8', timeout: 20_000 })
  return stdout + stderr
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

function failure(command: string, args: string[], cwd: string = root): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  return status === 0 ? [] : [`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`]
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

async function check(folder: string): Promise<string[]> {
  const files = readFiles()
  const unbuilt = publicPackages(files).filter((member) => !existsSync(join(root, member.folder, 'dist')))
  if (unbuilt.length > 0) return unbuilt.map((member) => `${member.folder} is not built: pnpm build`)
  const packages = publicPackages(files).map((member) => pack(member, folder))
  const consumer = join(folder, 'consumer')
  const faults = [...packages.flatMap(inspect), ...install(packages, consumer)]
  if (!existsSync(join(consumer, 'node_modules'))) return faults
  const compilerOptions = { customConditions: [], skipLibCheck: false }
  for (const node of supportedNodes()) {
    faults.push(...load(packages, consumer, node))
    faults.push(...(await runExamples(readmeExamples(files, packages), { folder: consumer, node, compilerOptions })))
  }
  return [...faults, ...recordRelease(packages, consumer), ...runPrograms(packages, consumer)]
}

const folder = makeScratch('packed-')
try {
  const faults = await check(folder)
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
