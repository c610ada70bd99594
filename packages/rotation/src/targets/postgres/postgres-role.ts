import type { CallContext, SecretFields, SecretValue } from '@finchat/secrets-core'
import { configurationError, invalidArgument, isVisibleAscii, knownOptions } from '@finchat/secrets-core/provider'
import type { RotationTarget } from '../target.ts'
import { anyPasswordIn, assertPassword, fieldsOf, isRollback, nextValue, passwordIn, tokenOf, unlessInvalid } from '../value.ts'
import { asAdministrator, type PostgresClient, type PostgresLogin } from './client.ts'
import { type Credential, LoginTest } from './login-test.ts'
import { withRole } from './postgres-error.ts'
import { type RoleGroup, setPassword, takePassword } from './role-statements.ts'
import { scramVerifier } from './scram.ts'
import { assertName, literal } from './sql-text.ts'

/** Options of `postgresRole`: either `role`, or `users` with their `owner`. */
export interface PostgresRoleOptions {
  /**
   * Makes a client of the role that changes passwords, always of the same database: the lock between
   * rotators is the database's. It is not connected yet: the target connects and ends it. Bound its
   * time with `connectionTimeoutMillis`.
   */
  readonly connect: (context: { readonly signal: AbortSignal }) => PostgresLogin | Promise<PostgresLogin>
  /**
   * Makes a client that logs in as an application does, for the test. It is not connected yet. Bound
   * its time with `connectionTimeoutMillis`.
   */
  readonly login: (user: string, password: string) => PostgresLogin
  /** The one role, whose password changes while open connections go on. */
  readonly role?: string | undefined
  /** Two roles that take turns, so that the former password works until it is retired. */
  readonly users?: readonly [string, string] | undefined
  /** The role that both users become when they log in; it owns the tables. */
  readonly owner?: string | undefined
  /** The field of the user's name. Default `username`. */
  readonly userField?: string | undefined
  /** The field of the password. Default `password`. */
  readonly passwordField?: string | undefined
}

/**
 * Returns a target that sets the password of a PostgreSQL role, or of two that alternate. The
 * server gets a SCRAM verifier, never the password. A late `apply` of an older attempt is refused by the
 * very statement that would set it. The value is a password, or fields with `username` and
 * `password`; two users need the fields.
 *
 * @example
 * import { postgresRole } from '@finchat/secrets-rotation/postgres'
 * import { Client } from 'pg'
 *
 * const server = { host: 'db.example', database: 'shop', connectionTimeoutMillis: 5_000 }
 * export const target = postgresRole({
 *   connect: () => new Client({ ...server, user: 'rotator' }), // the target connects it
 *   login: (user, password) => new Client({ ...server, user, password }),
 *   role: 'shop',
 * })
 */
export function postgresRole(options: PostgresRoleOptions): RotationTarget {
  const settings = checkedOptions(options)
  const { group } = settings
  const loginTest = new LoginTest(settings.login, group.owner)
  const credential = (value: SecretValue): Credential => credentialIn(value, settings)
  const run = async (user: string, statement: string, { signal }: CallContext): Promise<unknown> => {
    try {
      return await asAdministrator(settings.connect, signal, (client) => client.query(statement))
    } catch (error) {
      throw withRole(error, user)
    }
  }
  const single: RotationTarget = {
    next: async (current, generate) => nextOf(current, await generate(), settings),
    apply: async (value, fence, context) => {
      const { user, password } = credential(value)
      const token = tokenOf(fence)
      assertSettable(password, token)
      await run(user, setPassword(group, user, scramVerifier(password), token), context)
    },
    test: (value, context) => loginTest.test(credential(value), context),
  }
  if (group.owner === undefined) return single
  return {
    ...single,
    // Each user has one password, so the credential to retire is the other user's.
    isSameCredential: (one, other) => userIn(one, settings) === userIn(other, settings),
    retire: async (old, current, fence, context) => {
      const user = userOf(old, settings)
      if (user !== userOf(current, settings)) await run(user, takePassword(group, user, tokenOf(fence)), context)
    },
    sessions: (old, { signal }) => asAdministrator(settings.connect, signal, (client) => sessionsOf(client, userOf(old, settings))),
  }
}

interface Settings extends Pick<PostgresRoleOptions, 'connect' | 'login'> {
  readonly group: RoleGroup
  readonly userField: string
  readonly passwordField: string
}

const members = {
  connect: 'any',
  login: 'any',
  role: 'any',
  users: 'any',
  owner: 'any',
  userField: 'string',
  passwordField: 'string',
} as const

function checkedOptions(options: PostgresRoleOptions): Settings {
  const { connect, login, userField = 'username', passwordField = 'password', ...roles } = knownOptions(options, members)
  for (const [name, member] of Object.entries({ connect, login }))
    if (typeof member !== 'function') throw configurationError(`\`${name}\` is not a function`, 'pass both')
  return { connect, login, userField, passwordField, group: groupOf(roles) }
}

function groupOf({ role, users, owner }: Pick<PostgresRoleOptions, 'role' | 'users' | 'owner'>): RoleGroup {
  if ((role === undefined) === (users === undefined) || (users === undefined) !== (owner === undefined))
    throw configurationError('it is not clear which roles to set', 'pass either `role`, or `users` and `owner`')
  if (users === undefined) {
    assertName('role', role)
    return { roles: [role], owner: undefined }
  }
  if (!Array.isArray(users) || new Set([...users, owner]).size !== 3)
    throw configurationError('`users` and `owner` are not three roles', 'pass two users, and the role that both become')
  for (const name of [...users, owner]) assertName('users', name)
  return { roles: users, owner }
}

/** The password may be one that a person chose: a client logs in with it, and it is not set. */
function credentialIn(value: SecretValue, settings: Settings): Credential {
  const { passwordField } = settings
  return { user: userOf(value, settings), password: anyPasswordIn(value, passwordField) ?? passwordIn(value, passwordField) }
}

function assertSettable(password: string, token: number): void {
  if (!isRollback(token) || isVisibleAscii(password)) return assertPassword(password)
  throw invalidArgument(
    'the current password is not of visible ASCII characters, so it cannot be set again',
    'set it by hand with ALTER ROLE, discard the staged version, and rotate again',
  )
}

function userOf(value: SecretValue, { group, userField, passwordField }: Settings): string {
  const user = fieldsOf(value)?.[userField]
  const known = user ?? (group.owner === undefined ? group.roles[0] : undefined)
  if (typeof known === 'string' && group.roles.includes(known)) return known
  throw invalidArgument('the secret does not name a user of this target', `store it with the fields ${userField} and ${passwordField}`)
}

/** Undefined where the value names none. */
function userIn(value: SecretValue, settings: Settings): string | undefined {
  return unlessInvalid(() => userOf(value, settings))
}

function nextOf(current: SecretValue, password: string, settings: Settings): string | SecretFields {
  assertPassword(password)
  const user = userOf(current, settings)
  const { group, userField, passwordField } = settings
  const other = group.roles.find((role) => role !== user)
  return nextValue(current, password, passwordField, other === undefined ? {} : { [userField]: other })
}

async function sessionsOf(client: PostgresClient, user: string): Promise<number> {
  const { rows } = await client.query(`SELECT FROM pg_catalog.pg_stat_activity WHERE usename = ${literal(user)}`)
  return rows.length
}
