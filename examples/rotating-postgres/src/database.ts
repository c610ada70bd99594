import { randomUUID } from 'node:crypto'
import { Client, type ClientConfig } from 'pg'

/** A PostgreSQL with a role of this example's own. */
export interface Database {
  readonly administrator: ClientConfig
  readonly role: string
  /** Drops the role. */
  readonly stop: () => Promise<void>
}

/**
 * Uses `DATABASE_URL`, whose user may create roles. The role begins with this password. Returns
 * `undefined` if no server can be used there, and has printed the remedy.
 */
export async function openDatabase(password: string): Promise<Database | undefined> {
  const url = process.env['DATABASE_URL']
  if (url === undefined) return refuse('Set DATABASE_URL to a PostgreSQL whose user may create roles')
  try {
    return await createRole(configOf(new URL(url)), password)
  } catch (error) {
    return refuse(`No PostgreSQL can be used at DATABASE_URL (${reasonOf(error)})`)
  }
}

async function createRole(administrator: ClientConfig, password: string): Promise<Database> {
  const role = `finchat_example_${randomUUID().slice(0, 8)}`
  await run(administrator, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  return { administrator, role, stop: () => run(administrator, `DROP ROLE ${role}`) }
}

/** `ECONNREFUSED`, or PostgreSQL's code, such as `28P01`. Never the message, which may hold the URL with its password. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function refuse(problem: string): undefined {
  process.stderr.write(`${problem}: see README.md.\n`)
}

function configOf({ hostname, port, pathname, username, password, searchParams }: URL): ClientConfig {
  return {
    host: hostname,
    port: Number(port || 5432),
    database: pathname.slice(1),
    user: decodeURIComponent(username),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ssl: !['disable', null].includes(searchParams.get('sslmode')),
  }
}

async function run(config: ClientConfig, sql: string): Promise<void> {
  const client = new Client(config)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
