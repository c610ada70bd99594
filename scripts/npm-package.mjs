// Fetches a package of the npm registry by a pinned hash: downloads it, compares, and only then
// unpacks it. Runs no script of it. Runs on Node 20 with nothing installed: plain JavaScript, no
// dependencies. As a program: node npm-package.mjs SPEC FOLDER
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** npm's `dist.integrity` by `name@version`; `pnpm pins:update` renews it. */
const pins = JSON.parse(readFileSync(new URL('pins.json', import.meta.url), 'utf8'))

/**
 * Its message says why a package could not be had; everything else that is thrown is a fault of
 * ours.
 */
export class FetchError extends Error {}

/**
 * Lays the package into an empty folder. A wrong hash, or none, is an error before anything is
 * unpacked.
 */
export function fetchNpmPackage(spec, folder) {
  if (!Object.hasOwn(pins, spec)) throw new FetchError(`${spec} has no hash in scripts/pins.json, which \`pnpm pins:update\` writes`)
  const download = mkdtempSync(join(folder, 'download-'))
  const tarball = downloaded(spec, download)
  const hash = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
  if (hash !== pins[spec]) throw new FetchError(`${spec} is not what scripts/pins.json pins: its hash is ${hash}. It was not unpacked`)
  succeed('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1', '-o'], `${spec} could not be unpacked`, folder)
  rmSync(download, { recursive: true })
}

/**
 * `pack` only downloads; npm reads its settings from `folder` rather than from a folder above it.
 */
function downloaded(spec, folder) {
  const args = ['pack', spec, '--pack-destination', folder, '--prefix', folder, '--ignore-scripts', '--loglevel=error']
  const cli = process.env.npm_execpath ?? '' // under pnpm it names pnpm
  const [command, first] = isAbsolute(cli) && cli.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
  succeed(command, [...first, ...args], `${spec} could not be downloaded`, folder)
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  if (!tarball) throw new FetchError(`${spec} could not be downloaded: npm left no tarball`)
  return join(folder, tarball)
}

function succeed(command, args, failure, cwd) {
  const { status, error, stderr } = spawnSync(command, args, { cwd, env: ownEnvironment(), encoding: 'utf8' })
  if (status === 0) return
  const reason = error?.code === 'ENOENT' ? `there is no \`${command}\` on this machine` : (reasonIn(stderr ?? '') ?? `status ${status}`)
  throw new FetchError(`${failure}: ${reason}`)
}

/**
 * The disk's own reason, wherever it stands; else npm's first line, which is the code of its error,
 * or tar's.
 */
function reasonIn(stderr) {
  const lines = stderr.split('\n').filter((line) => line.trim() && !/A complete log|^npm warn/i.test(line))
  const ofDisk = lines.find((each) => /No space left|Read-only|Permission denied/i.test(each))
  const line = ofDisk ?? lines.find((each) => /^npm (error|ERR!)/.test(each)) ?? lines[0]
  return line?.replace(/^npm (error|ERR!) */, '').trim()
}

/** The code of npm's error, such as E404: it alone has no address and no credential. */
export function npmErrorCode(said) {
  return /npm error code (\w+)/.exec(said)?.[1] ?? 'unknown error'
}

/**
 * The environment of set-up programs. They look up nothing in the current folder and inherit no npm
 * prefix. They read no compile cache: by default its folder has a fixed name in the shared
 * temporary folder. npm looks for no newer npm.
 */
export function ownEnvironment() {
  const inherited = Object.entries(process.env).filter(([key]) => !/^npm_config_(local_|global_)?prefix$/i.test(key))
  return {
    ...impatient('npm_config'),
    ...impatient('pnpm_config'),
    ...Object.fromEntries(inherited),
    npm_config_update_notifier: 'false',
    PATH: searchPath(process.env.PATH),
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
}

/** Without a network, pnpm's own defaults try for ten minutes before they say so. */
function impatient(prefix) {
  return { [`${prefix}_fetch_retries`]: '2', [`${prefix}_fetch_retry_mintimeout`]: '500', [`${prefix}_fetch_retry_maxtimeout`]: '1500' }
}

function searchPath(path = '') {
  return path.split(delimiter).filter(isAbsolute).join(delimiter)
}

/** A download that was killed leaves its folder behind; no download takes a day. */
export function removeAbandoned(store) {
  for (const name of readdirSync(store).filter((each) => each.startsWith('unfinished-'))) {
    const path = join(store, name)
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity }
    if (Date.now() - mtimeMs > 86_400_000) rmSync(path, { recursive: true, force: true })
  }
}

function main([spec, folder]) {
  try {
    fetchNpmPackage(spec, folder)
  } catch (error) {
    if (!(error instanceof FetchError) && error.code === undefined) throw error
    process.stderr.write(`ERROR: ${error.message}\n`)
    process.exitCode = 1
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
