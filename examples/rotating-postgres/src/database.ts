import { randomUUID } from 'node:crypto'
import { findServer, getServer, type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { Client, type ClientConfig } from 'pg'

/** A PostgreSQL with a role of this example's own. */
export interface Database {
  readonly title: string
  readonly administrator: ClientConfig
  readonly role: string
  /** Drops the role, and ends the server if it was started here. */
  readonly stop: () => Promise<void>
}

/**
 * Uses `DATABASE_URL`, whose user may create roles, or starts a PostgreSQL. The role begins with
 * this password. Returns `undefined` without a server, and has printed the remedy.
 */
export async function openDatabase(password: string): Promise<Database | undefined> {
  const given = process.env['DATABASE_URL']
  const server = given === undefined ? await ownServer() : undefined
  const url = given ?? server?.url
  if (url === undefined) return undefined
  const administrator = configOf(new URL(url))
  const role = `finchat_example_${randomUUID().slice(0, 8)}`
  await run(administrator, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  const stop = async (): Promise<void> => {
    await run(administrator, `DROP ROLE ${role}`)
    await server?.stop()
  }
  return { title: server === undefined ? 'that of DATABASE_URL' : 'started for this example', administrator, role, stop }
}

/** Gets a missing server, as `npm test` does. */
async function ownServer(): Promise<Postgres | undefined> {
  if (!findServer('postgres').found) {
    process.stderr.write('Getting PostgreSQL once, into .servers/ ...\n')
    const server = await getServer('postgres')
    if (!server.found) {
      process.stderr.write(`${server.title} is missing: ${server.reason}\nWhat helps: ${server.remedy}, or DATABASE_URL\n`)
      return undefined
    }
  }
  return startPostgres()
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
