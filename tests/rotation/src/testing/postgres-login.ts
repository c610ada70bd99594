import type { SecretFields, SecretsManager } from '@finchat/secrets-core'
import { passwordGenerator, rotate, type RotationTarget } from '@finchat/secrets-rotation'
import { postgresRole } from '@finchat/secrets-rotation/postgres'
import type { Postgres } from '@finchat/secrets-test-servers'
import { Client, type ClientConfig } from 'pg'

const generate = passwordGenerator()
let count = 0

/** What a service logs in with: one role, or two users that take turns. */
export interface PostgresLogin {
  /** For the store: a password, or `username` and `password`. */
  readonly first: string | SecretFields
  /** For clients: where the server is, and the role that logs in first. */
  readonly config: ClientConfig & { readonly user: string }
  /** One rotation, by the name that the rotator has for the secret. */
  readonly rotate: (rotator: SecretsManager, name: string) => Promise<unknown>
}

export async function postgresRoleLogin(server: Postgres): Promise<PostgresLogin> {
  const role = `app_${(count += 1)}`
  const password = generate()
  await server.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  return loginOf(server, { role }, role, password)
}

export async function postgresUsersLogin(server: Postgres): Promise<PostgresLogin> {
  const owner = `owner_${(count += 1)}`
  const users: [string, string] = [`${owner}_a`, `${owner}_b`]
  const password = generate()
  await server.query(`CREATE ROLE ${owner}`)
  for (const user of users) {
    await server.query(`CREATE ROLE ${user} LOGIN IN ROLE ${owner}`)
    await server.query(`ALTER ROLE ${user} SET role = ${owner}`)
  }
  await server.query(`ALTER ROLE ${users[0]} PASSWORD '${password}'`)
  return loginOf(server, { users, owner }, users[0], { username: users[0], password })
}

type Roles = { readonly role: string } | { readonly users: [string, string]; readonly owner: string }

function loginOf({ host, port, user: administrator }: Postgres, roles: Roles, user: string, first: string | SecretFields): PostgresLogin {
  const at = { host, port, database: 'postgres', ssl: false }
  const connect = (): Client => new Client({ ...at, user: administrator })
  const login = (username: string, password: string): Client => new Client({ ...at, user: username, password })
  const target: RotationTarget = postgresRole({ connect, login, ...roles })
  const options = { target, generate, graceSeconds: 0 }
  return { first, config: { ...at, user }, rotate: (rotator, name) => rotate(rotator, name, options) }
}
