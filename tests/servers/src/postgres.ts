import { execFile } from 'node:child_process'
import { chownSync, chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { searchPath } from './search-path.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady } from './server-process.ts'

/** The values of one row, as text; `null` is SQL's NULL. */
export type Row = readonly (string | null)[]

export interface PostgresOptions {
  /** Further arguments of the server, such as `['-c', 'log_statement=all']`. */
  readonly args?: readonly string[]
}

export interface Postgres {
  readonly host: '127.0.0.1'
  readonly port: number
  /** The superuser, whom the server trusts without a password. Every other role logs in by SCRAM. */
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

const hostAuthentication = 'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n'

const run = promisify(execFile)

/** Starts an empty PostgreSQL that only this machine reaches. */
export async function startPostgres({ args = [] }: PostgresOptions = {}): Promise<Postgres> {
  const program = requireServer('postgres')
  const folder = serverFolder('postgres')
  try {
    const user = unprivileged()
    if (user) chownSync(folder, user.uid, user.gid)
    const readable = await readableProgram(program, folder, user)
    await initialise(readable, folder, user)
    return await onFreePort((port) => startOn(port, readable, folder, user, args))
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

async function initialise(program: string, folder: string, user: User | undefined): Promise<void> {
  const data = join(folder, 'data')
  await run(join(dirname(program), 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'], {
    cwd: folder,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    ...user,
  })
  writeFileSync(join(data, 'pg_hba.conf'), hostAuthentication)
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

async function startOn(
  port: number,
  program: string,
  folder: string,
  user: User | undefined,
  further: readonly string[],
): Promise<Postgres> {
  const args = ['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off', ...further]
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

/** One statement over a connection of its own. */
async function query(port: number, sql: string): Promise<Row[]> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ssl: false, types: asText })
  client.on('error', () => {}) // the call rejects too
  await client.connect()
  try {
    const { rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })
    return rows
  } finally {
    await client.end()
  }
}

const asText = { getTypeParser: () => (value: string) => value }
