import type { AuditedOperation } from '@finchat/secrets-core'

/** The kind of an operation; `other` for one that is not known here. */
export type Activity = 'create' | 'read' | 'update' | 'delete' | 'login' | 'other'

const ofManager: Readonly<Record<AuditedOperation, Activity>> = {
  get: 'read',
  verify: 'read',
  describe: 'read',
  list: 'read',
  health: 'other',
  store: 'update',
  rotate: 'update',
  stage: 'update',
  promote: 'update',
  discard: 'update',
  apply: 'update',
  test: 'read',
  rollback: 'update',
  retire: 'update',
  restore: 'update',
  tag: 'update',
  delete: 'delete',
}

const ofProviders: Readonly<Record<string, Activity>> = {
  login: 'login',
  renew: 'update',
  revoke: 'delete',
  lease: 'create',
  'renew-lease': 'update',
  'revoke-lease': 'delete',
}

export function activityOf(operation: string): Activity {
  if (isOfManager(operation)) return ofManager[operation]
  return (Object.hasOwn(ofProviders, operation) ? ofProviders[operation] : undefined) ?? 'other'
}

/** Steps of a rotation that leave the current version as it is. */
const ofRotation: ReadonlySet<string> = new Set<AuditedOperation>(['stage', 'discard', 'apply', 'rollback', 'retire'])

/** The operations of providers change tokens and leases. */
export function changesSecret(operation: string): boolean {
  if (!isOfManager(operation) || ofRotation.has(operation)) return false
  return ofManager[operation] === 'update' || ofManager[operation] === 'delete'
}

function isOfManager(operation: string): operation is AuditedOperation {
  return Object.hasOwn(ofManager, operation)
}

/** Codes of a denied access or an alteration. */
export const denialsAndAlterations: readonly (string | undefined)[] = ['PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTEGRITY']
