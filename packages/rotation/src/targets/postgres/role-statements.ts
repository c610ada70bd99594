import { isRollback } from '../value.ts'
import { assertVerifier } from './scram.ts'
import { identifier, literal } from './sql-text.ts'

/** The roles that one secret sets. */
export interface RoleGroup {
  readonly roles: readonly string[]
  /** The role that both users become when they log in. */
  readonly owner?: string | undefined
}

/** SQLSTATEs that the statements raise. */
export const raised = { fenced: 'FC001', grants: 'FC002', isolation: 'FC003' } as const

/** The setting of a role that holds the highest token it has seen. */
const fenceSetting = 'finchat.version'

/**
 * Returns one statement that checks the fence and sets the role's password. The server finishes it
 * or undoes it whole, though its client is killed. A rollback takes the password of the others.
 */
export function setPassword(group: RoleGroup, role: string, verifier: string, token: number): string {
  assertVerifier(verifier)
  const others = group.roles.filter((other) => other !== role)
  return fenced(group, token, [
    ...grantChecks(group, role),
    ...passwordChange(role, literal(verifier), token),
    ...(isRollback(token) ? others.flatMap((other) => passwordChange(other, 'NULL', token)) : []),
  ])
}

/** Returns one statement that checks the fence and takes the role's password: logins are 28P01. */
export function takePassword(group: RoleGroup, role: string, token: number): string {
  return fenced(group, token, passwordChange(role, 'NULL', token))
}

function passwordChange(role: string, password: string, token: number): string[] {
  const name = identifier(role)
  return [`ALTER ROLE ${name} PASSWORD ${password};`, `ALTER ROLE ${name} SET ${fenceSetting} = '${token}';`]
}

/**
 * The lock makes the statements of a group wait for each other. The fence is read after it, in a
 * snapshot of its own, which only `read committed` gives.
 */
function fenced({ roles }: RoleGroup, token: number, changes: readonly string[]): string {
  const names = roles.map(literal).join(',')
  const body = [
    'DECLARE seen numeric;',
    'BEGIN',
    'SET LOCAL ROLE NONE;', // a user that becomes the owner could not change itself
    durably,
    raiseIf("pg_catalog.current_setting('transaction_isolation') <> 'read committed'", raised.isolation),
    `PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${literal(lockKey(roles))}, 0));`,
    `SELECT pg_catalog.max(pg_catalog.substr(setting, ${fenceSetting.length + 2})::numeric) INTO seen`,
    'FROM pg_catalog.pg_roles, pg_catalog.unnest(rolconfig) AS setting',
    `WHERE rolname IN (${names}) AND pg_catalog.starts_with(setting, '${fenceSetting}=');`,
    raiseIf(`seen > ${token}`, raised.fenced),
    ...changes,
    'END',
  ]
  return `DO ${literal(body.join('\n'))}`
}

/**
 * The server answers once the change is on its disk, and on those of its synchronous standbys: a
 * default of less would lose an acknowledged password.
 * https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
 */
const durably =
  "IF pg_catalog.current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN SET LOCAL synchronous_commit = on; END IF;"

function grantChecks({ owner }: RoleGroup, role: string): string[] {
  if (owner === undefined) return []
  const becomesOwner = `SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(role)} AND ${literal(`role=${owner}`)} = ANY (rolconfig)`
  return [
    raiseIf(`NOT pg_catalog.pg_has_role(${literal(role)}, ${literal(owner)}, 'MEMBER')`, raised.grants),
    raiseIf(`NOT EXISTS (${becomesOwner})`, raised.grants),
  ]
}

function raiseIf(condition: string, state: string): string {
  return `IF ${condition} THEN RAISE EXCEPTION USING ERRCODE = '${state}', MESSAGE = 'refused by finchat: ${state}'; END IF;`
}

/** The same for both users, in any order. */
function lockKey(roles: readonly string[]): string {
  return `finchat.rotation:${JSON.stringify(roles.toSorted())}`
}
