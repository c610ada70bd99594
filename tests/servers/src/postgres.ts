import { execFile } from 'node:child_process'
import { chownSync, chmodSync, cpSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { query, type Row } from './postgres-query.ts'
import { searchPath } from './search-path.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady } from './server-process.ts'

export interface Postgres {
  readonly host: '127.0.0.1'
  readonly port: number
  /** The superuser, who needs no password: every connection from this machine is trusted. */
  readonly user: 'postgres'
  /** `postgresql://postgres@127.0.0.1:PORT/postgres?sslmode=disable` */
  readonly url: string
  /** The file with its output. */
  readonly log: string
  readonly pid: number
  /** Runs one SQL statement as the superuser; resolves to the rows, every value as text. */
  readonly query: (sql: string) => Promise<Row[]>
  readonly signal: (name: NodeJS.Signals) => void
  readonly stop: () => Promise<void>
}

interface User {
  readonly uid: number
  readonly gid: number
}

const run = promisify(execFile)

/** Starts an empty PostgreSQL that only this machine reaches. */
export async function startPostgres(): Promise<Postgres> {
  const program = requireServer('postgres')
  const folder = serverFolder('postgres')
  try {
    const user = unprivileged()
    if (user) chownSync(folder, user.uid, user.gid)
    const readable = await readableProgram(program, folder, user)
    const data = join(folder, 'data')
    await run(join(dirname(readable), 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'], {
      cwd: folder,
      env: { PATH: searchPath(), LC_ALL: 'C' },
      ...user,
    })
    return await onFreePort((port) => startOn(port, readable, folder, user))
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

/** PostgreSQL refuses to run as root, so root starts it as `nobody`. */
function unprivileged(): User | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
}

/** A clone in root's own folder is closed to `nobody`, who then gets a copy. */
async function readableProgram(program: string, folder: string, user: User | undefined): Promise<string> {
  if (!user) return program
  try {
    await run('test', ['-x', program], user)
    return program
  } catch {
    const copy = join(folder, 'program')
    mkdirSync(copy)
    chmodSync(folder, 0o755)
    cpSync(join(dirname(program), '..'), copy, { recursive: true, verbatimSymlinks: true })
    await run('chown', ['-R', `${user.uid}:${user.gid}`, copy]) // so that the watchdog, who is that user too, can remove it
    return join(copy, 'bin/postgres')
  }
}

async function startOn(port: number, program: string, folder: string, user: User | undefined): Promise<Postgres> {
  const args = ['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off']
  const server = await startProcess({ folder, program, args, user, stopSignal: 'SIGINT' })
  await waitUntilReady('PostgreSQL', server, /ready to accept connections/, async () => (await query(port, 'SELECT 1')).length === 1)
  const stop = async (): Promise<void> => {
    await server.end()
    removeFolder(folder)
  }
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres?sslmode=disable`
  const { log, pid, signal } = server
  return { host: '127.0.0.1', port, user: 'postgres', url, log, pid, query: (sql) => query(port, sql), signal, stop }
}
