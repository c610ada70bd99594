import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { servers, type ServerName } from './catalogue.ts'

/** Where servers are kept between runs; git ignores it. */
export const store: string = fileURLToPath(new URL('../../../.servers', import.meta.url))

/** A server that can be started, or why it cannot, and what would help. */
export type FoundServer =
  | { readonly found: true; readonly title: string; readonly program: string }
  | { readonly found: false; readonly title: string; readonly reason: string; readonly remedy: string }

/** Looks for a server on this machine. Downloads nothing: `getServer` does, and `pnpm servers`. */
export function findServer(name: ServerName): FoundServer {
  const { version, program, variable, names } = servers[name]
  const title = `${servers[name].title} ${version}`
  const own = process.env[variable]
  if (own) {
    if (existsSync(own)) return { found: true, title: `${servers[name].title} of ${variable}`, program: own }
    return { found: false, title, reason: `${variable} names ${own}, which is not there`, remedy: `let ${variable} name ${names}` }
  }
  const kept = join(folderOf(name), program)
  if (existsSync(kept)) return { found: true, title, program: kept }
  return { found: false, title, reason: failureOf(name) ?? 'it is not on this machine yet', remedy: remedyFor(name) }
}

/** Finds a server, or throws an error that says what would install it. */
export function requireServer(name: ServerName): string {
  const server = findServer(name)
  if (!server.found) throw new Error(`${server.title} is needed, but ${server.reason}: ${server.remedy}`)
  return server.program
}

/** Its name contains the hashes: a changed hash makes a new folder. */
export function folderOf(name: ServerName): string {
  const { version, source } = servers[name]
  const pinned = source.client === 'npm' ? source.specFor(platform) : readFileSync(requirementsOf(name))
  return join(store, `${name}-${version}-${createHash('sha256').update(pinned).digest('hex').slice(0, 8)}`)
}

export const platform: string = `${process.platform}-${process.arch}`

/** What pip or apt installs, each with the hashes of all its files. */
export function requirementsOf(name: ServerName): string {
  return fileURLToPath(new URL(`../pins/${name}.txt`, import.meta.url))
}

/** Holds why the last download failed, so that the tests that need the server can say so. */
export function failureFileOf(name: ServerName): string {
  return `${folderOf(name)}.failed`
}

function failureOf(name: ServerName): string | undefined {
  const file = failureFileOf(name)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

/** The line that would install it, and the way without. */
function remedyFor(name: ServerName): string {
  const { variable, names, source } = servers[name]
  return `pnpm servers ${name} (with ${clients[source.client]}), or ${variable}=<${names}>`
}

const clients = { pip: 'Python 3 and pip', npm: 'npm', apt: "Debian's apt, after apt-get update" } as const
