import type { SecretFields, SecretsManager } from '@finchat/secrets-core'
import { passwordGenerator, rotate, type RotationTarget } from '@finchat/secrets-rotation'
import { postgresRole } from '@finchat/secrets-rotation/postgres'
import type { Postgres } from '@finchat/secrets-test-servers'
import { Client, type ClientConfig } from 'pg'

const generate = passwordGenerator()
let count = 0

/** Where a server is. */
export type PostgresAddress = Pick<Postgres, 'host' | 'port' | 'user'>

/** The one role of a service, or the two users that take turns. */
export type PostgresRoles = { readonly role: string } | { readonly users: [string, string]; readonly owner: string }

/** What a service logs in with: one role, or two users that take turns. */
export interface PostgresLogin {
  /** For the store: a password, or `username` and `password`. */
  readonly first: string | SecretFields
  readonly roles: PostgresRoles
  /** For clients: where the server is, and the role that logs in first. */
  readonly config: ClientConfig & { readonly user: string }
  readonly target: RotationTarget
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

function loginOf(server: PostgresAddress, roles: PostgresRoles, user: string, first: string | SecretFields): PostgresLogin {
  const target = postgresTarget(server, roles)
  const options = { target, generate, graceSeconds: 0 }
  return { first, roles, config: { ...placeOf(server), user }, target, rotate: (rotator, name) => rotate(rotator, name, options) }
}

/** The target of a rotator that connects as the superuser. */
export function postgresTarget(server: PostgresAddress, roles: PostgresRoles): RotationTarget {
  const at = placeOf(server)
  const connect = (): Client => new Client({ ...at, user: server.user })
  const login = (user: string, password: string): Client => new Client({ ...at, user, password })
  return postgresRole({ connect, login, ...roles })
}

function placeOf({ host, port }: PostgresAddress): ClientConfig {
  return { host, port, database: 'postgres', ssl: false }
}
