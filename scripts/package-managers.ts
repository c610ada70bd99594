// How a reader installs and starts a project: by npm, pnpm, or yarn with either of its linkers.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, type Manifest } from './files.ts'
import { fetchNpmPackage, ownEnvironment } from './npm-package.mjs'

export const yarnSpec = '@yarnpkg/cli-dist@4.18.1'

export interface PackageManager {
  readonly name: string
  /** Writes the manifest, and what makes this manager take our tarballs. */
  readonly prepare: (folder: string, manifest: Manifest, tarballs: Readonly<Record<string, string>>) => void
  readonly install: readonly string[]
  readonly start: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export function packageManagers(): PackageManager[] {
  return [npm(), pnpm(), yarn('node-modules'), yarn('pnp')]
}

function npm(): PackageManager {
  return {
    name: 'npm',
    prepare: (folder, manifest, overrides) => write(folder, 'package.json', { ...manifest, overrides }),
    install: ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    start: ['npm', 'start', '--silent'],
    env: ownEnvironment(),
  }
}

function pnpm(): PackageManager {
  return {
    name: 'pnpm',
    prepare: (folder, manifest, overrides) => {
      write(folder, 'package.json', manifest)
      write(folder, 'pnpm-workspace.yaml', { packages: ['.'], overrides, pmOnFail: 'ignore', ignoreScripts: true })
    },
    install: ['pnpm', 'install', '--ignore-scripts', '--no-frozen-lockfile', '--prefer-offline'],
    start: ['pnpm', '--silent', 'start'],
    env: ownEnvironment(),
  }
}

/** yarn has a registry of its own by default: it gets the one that npm has. */
function yarn(linker: 'node-modules' | 'pnp'): PackageManager {
  const program = [process.execPath, yarnProgram()]
  return {
    name: `yarn, ${linker}`,
    prepare: (folder, manifest, resolutions) => {
      write(folder, 'package.json', { ...manifest, resolutions })
      writeFileSync(join(folder, 'yarn.lock'), '') // ends yarn's search for a project in the folders above
    },
    install: [...program, 'install', '--mode=skip-build'],
    start: [...program, 'start'],
    env: {
      ...ownEnvironment(),
      YARN_NODE_LINKER: linker,
      YARN_NPM_REGISTRY_SERVER: execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim(),
      YARN_GLOBAL_FOLDER: join(root, '.cache/yarn'),
      YARN_ENABLE_SCRIPTS: 'false',
      YARN_ENABLE_TELEMETRY: 'false',
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    },
  }
}

/** Fetched once by its pinned hash. */
function yarnProgram(): string {
  const folder = join(root, '.toolchain', yarnSpec.replace(/^@/, '').replaceAll(/[/@]/g, '-'))
  if (!existsSync(folder)) {
    mkdirSync(join(root, '.toolchain'), { recursive: true })
    const unfinished = mkdtempSync(join(root, '.toolchain', 'unfinished-'))
    try {
      fetchNpmPackage(yarnSpec, unfinished)
      keep(unfinished, folder)
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
    }
  }
  return join(folder, 'bin/yarn.js')
}

/** Another check may have fetched it meanwhile: then that copy stays. */
function keep(unfinished: string, folder: string): void {
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

function write(folder: string, file: string, content: object): void {
  writeFileSync(join(folder, file), JSON.stringify(content, null, 2))
}
