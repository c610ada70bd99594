import { execFile } from 'node:child_process'
import { chownSync, chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { searchPath } from './search-path.ts'
import { type ServerCertificate, writeCertificate } from './server-certificate.ts'
import { removeFolder, sendSignal, serverFolder, startProcess, waitUntilReady, type ServerProcess } from './server-process.ts'

/** The values of one row, as text; `null` is SQL's NULL. */
export type Row = readonly (string | null)[]

export interface PostgresOptions {
  /** Further arguments of the server, such as `['-c', 'log_statement=all']`. */
  readonly args?: readonly string[]
  /** Serve TLS too, with this certificate and key, both as PEM. */
  readonly tls?: ServerCertificate | undefined
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
  /** To the server itself. The processes of its connections do not get it. */
  readonly signal: (name: NodeJS.Signals) => void
  /** To the server and the processes of its connections. */
  readonly signalAll: (name: 'SIGSTOP' | 'SIGCONT') => Promise<void>
  /** A crash of all its processes, and a start on the same port, with what it wrote to its folder. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

interface User {
  readonly uid: number
  readonly gid: number
}

const hostAuthentication = 'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n'

const run = promisify(execFile)

/** Starts an empty PostgreSQL that only this machine reaches. */
export async function startPostgres({ args = [], tls }: PostgresOptions = {}): Promise<Postgres> {
  const program = requireServer('postgres')
  const folder = serverFolder('postgres')
  try {
    const user = unprivileged()
    if (user) chownSync(folder, user.uid, user.gid)
    const readable = await readableProgram(program, folder, user)
    await initialise(readable, folder, user)
    const further = tls === undefined ? args : [...args, ...tlsIn(folder, tls, user)]
    return await onFreePort((port) => startOn(port, readable, folder, user, further))
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

function tlsIn(folder: string, tls: ServerCertificate, user: User | undefined): readonly string[] {
  const { certFile, keyFile } = writeCertificate(folder, tls)
  if (user) for (const file of [certFile, keyFile]) chownSync(file, user.uid, user.gid)
  return ['-c', 'ssl=on', '-c', `ssl_cert_file=${certFile}`, '-c', `ssl_key_file=${keyFile}`]
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
  const launch = async (): Promise<ServerProcess> => {
    const server = await startProcess({ folder, program, args, user, stopSignal: 'SIGINT' })
    await waitUntilReady('PostgreSQL', server, /ready to accept connections/, async () => (await query(port, 'SELECT 1')).length === 1)
    return server
  }
  return serverOf(port, folder, await launch(), launch)
}

function serverOf(port: number, folder: string, first: ServerProcess, launch: () => Promise<ServerProcess>): Postgres {
  let server = first
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    url: `postgresql://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
    log: first.log,
    pid: first.pid,
    query: (sql) => query(port, sql),
    signal: (name) => server.signal(name),
    signalAll: (name) => signalAll(server, name),
    kill: async () => {
      await signalAll(server, 'SIGKILL')
      await server.exited
    },
    start: async () => {
      server = await launch()
    },
    stop: async () => {
      await signalAll(server, 'SIGCONT')
      await server.end()
      removeFolder(folder)
    },
  }
}

/** First the server, which then starts no further process. */
async function signalAll(server: ServerProcess, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
  if (!server.isRunning()) return
  const children = await childrenOf(server.pid)
  server.signal(name)
  for (const pid of new Set([...children, ...(await childrenOf(server.pid))])) sendSignal(pid, name)
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return rows.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []))
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
