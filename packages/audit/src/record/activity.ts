/** The kind of an operation; `other` for one that is not known here. */
export type Activity = 'create' | 'read' | 'update' | 'delete' | 'login' | 'other'

const activities: Readonly<Record<string, Activity>> = {
  get: 'read',
  verify: 'read',
  describe: 'read',
  list: 'read',
  store: 'update',
  rotate: 'update',
  restore: 'update',
  tag: 'update',
  delete: 'delete',
  login: 'login',
  renew: 'update',
  revoke: 'delete',
  lease: 'create',
  'renew-lease': 'update',
  'revoke-lease': 'delete',
}

export function activityOf(operation: string): Activity {
  return (Object.hasOwn(activities, operation) ? activities[operation] : undefined) ?? 'other'
}

/** Codes of a denied access or an alteration. */
export const refusals: readonly (string | undefined)[] = ['PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTEGRITY']
