import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { installCommand } from '../config/install-command.ts'
import { packageOf } from '../config/provider-packages.ts'
import { isRecentNode, leastNode } from '../node/node-version.ts'
import { type Finding, ok, warn } from './finding.ts'

/** The last day of each line: https://github.com/nodejs/release#release-schedule */
const endOfLife: Readonly<Record<number, string>> = { 22: '2027-04-30', 24: '2028-04-30', 26: '2029-04-30' }

export function nodeFinding(version: string, now: Date): Finding {
  const [major = 0] = version.split('.').map(Number)
  const upgrade = 'install the newest LTS version of Node.js'
  if (!isRecentNode(version))
    return {
      status: 'fail',
      check: 'Node.js',
      finding: `${version} is older than ${leastNode.join('.')}`,
      remedy: upgrade,
      code: 'CONFIGURATION',
    }
  const end = endOfLife[major]
  if (end !== undefined && now > new Date(`${end}T23:59:59Z`)) return warn('Node.js', `${version} has had no fixes since ${end}`, upgrade)
  if (major % 2 === 1) return warn('Node.js', `${version} is of a line without long-term support`, upgrade)
  return ok('Node.js', end === undefined ? version : `${version}, which gets fixes until ${end}`)
}

const others = ['core', 'cli', 'audit', 'cache-keyv', 'rotation']
const prefix = '@finchat/secrets-'

/** One package, and the version of core that it loads. */
interface Installed {
  readonly name: string
  readonly version: string
  readonly core: string | undefined
}

/** The versions of our packages, as the project in `folder` has them, or as they are beside this program. */
export function packagesFinding(chain: readonly string[], folder: string): Finding {
  const names = [...new Set([...others.map((name) => prefix + name), ...chain.flatMap((name) => packageOf(name) ?? [])])]
  const installed = names.flatMap((name) => installedIn(name, folder) ?? [])
  const cores = [...new Set(installed.flatMap(({ core }) => core ?? []))]
  const list = installed.map(({ name, version }) => `${name.slice(prefix.length)} ${version}`).join(', ')
  if (cores.length <= 1) return ok('packages', list)
  const renewed = installed.map(({ name }) => `${name}@latest`)
  return warn('packages', `they load different versions of core (${cores.join(', ')}): ${list}`, `run: ${installCommand(renewed, folder)}`)
}

function installedIn(name: string, folder: string): Installed | undefined {
  const manifest = manifestOf(name, join(folder, 'package.json'))
  if (manifest === undefined) return besideProgram(name)
  const core = name === `${prefix}core` ? manifest : manifestOf(`${prefix}core`, manifest.path)
  return { name, version: manifest.version, core: core?.version }
}

/** It has the core of this program, whatever the project has. */
function besideProgram(name: string): Installed | undefined {
  const manifest = manifestOf(name, import.meta.url)
  return manifest && { name, version: manifest.version, core: undefined }
}

function manifestOf(name: string, from: string): { readonly path: string; readonly version: string } | undefined {
  try {
    const path = createRequire(from).resolve(`${name}/package.json`)
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string } // of a package manager
    return { path, version }
  } catch {
    return undefined
  }
}

/** Packages that some stores need, and that are not installed with their provider. */
const peers: Readonly<Record<string, string>> = { age: 'age-encryption', sops: 'age-encryption' }

export function peerFindings(chain: readonly string[], folder: string): readonly Finding[] {
  return chain.flatMap((name) => {
    const peer = Object.hasOwn(peers, name) ? peers[name] : undefined
    const own = packageOf(name)
    if (peer === undefined || own === undefined || isThere(peer, own, folder)) return []
    return [warn(peer, `${name} needs the package ${peer}, which is not installed`, `run: ${installCommand([peer], folder)}`)]
  })
}

/** It is loaded by the provider's package. */
function isThere(peer: string, own: string, folder: string): boolean {
  const manifest = manifestOf(own, join(folder, 'package.json')) ?? manifestOf(own, import.meta.url)
  if (manifest === undefined) return true // which is said elsewhere
  try {
    createRequire(manifest.path).resolve(peer)
    return true
  } catch (error) {
    return Reflect.get(Object(error), 'code') !== 'MODULE_NOT_FOUND' // it has no form for `require`
  }
}
