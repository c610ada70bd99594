import type { StoredSecret } from './contract.ts'

/** Whether something that claims to be a secret has what makes one: a value of text or bytes, and no impossible version. */
export function isStoredSecret(answer: unknown): answer is StoredSecret {
  if (typeof answer !== 'object' || answer === null) return false
  const { value, version, revision, currentSince, expiresAt } = answer as { readonly [member in keyof StoredSecret]?: unknown } // each is checked below
  const hasValue = typeof value === 'string' || value instanceof Uint8Array
  const hasVersion = version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)
  return hasValue && hasVersion && isAbsentOr('string', revision) && isAbsentOr('number', currentSince) && isAbsentOr('number', expiresAt)
}

function isAbsentOr(type: 'string' | 'number', member: unknown): boolean {
  return member === undefined || (typeof member === type && !Number.isNaN(member))
}
