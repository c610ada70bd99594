import { SecretsError } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { says, type VaultAnswer } from '../http/answer.ts'
import { isAbsence } from '../protocol/responses.ts'
import { type Lease, leaseIn, renewedLease } from './lease.ts'
import type { LoginEvents } from '../token/login-events.ts'
import { encodedPath } from '../shared/paths.ts'
import type { Right, VaultApi } from '../token/vault-api.ts'

export interface LeaseRequests {
  /**
   * Requests a lease; undefined if the role does not exist. Sent once, because each answer creates
   * an account.
   */
  readonly issue: (path: string, signal: AbortSignal) => Promise<Lease | undefined>
  /** `spent`: it cannot be renewed for its full duration. `gone`: it ended early. */
  readonly renew: (path: string, lease: Lease, signal: AbortSignal) => Promise<Lease | 'spent' | 'gone'>
  readonly revoke: (path: string, lease: Lease, signal: AbortSignal) => Promise<void>
}

/** Longer than callers wait, because the answer tells of an account that exists. */
export const listeningMs = 60_000

const toRenew = (): Right => ({ capability: 'update', on: 'sys/leases/renew' })
const toRevoke = (): Right => ({ capability: 'update', on: 'sys/leases/revoke' })

/** `patient` waits for `listeningMs`. */
export function leaseRequests(api: VaultApi, patient: VaultApi, events: LoginEvents): LeaseRequests {
  return {
    issue: (path, signal) => {
      const found = (lease: Lease | undefined): { code?: string } => (lease === undefined ? { code: 'NOT_FOUND' } : {})
      return events.report('lease', () => issue(patient, path, signal), { path, found, effect: true })
    },
    renew: (path, lease, signal) => {
      const asked = events.report('renew-lease', () => renew(api, lease, signal), { path })
      return asked.catch((error: unknown) => withoutRenewal(error))
    },
    revoke: (path, lease, signal) => events.report('revoke-lease', () => revoke(api, lease, signal), { path }),
  }
}

async function issue(api: VaultApi, path: string, signal: AbortSignal): Promise<Lease | undefined> {
  const askedAt = Date.now()
  const right = (): Right => ({ capability: 'read', on: path })
  const takes = (answer: VaultAnswer): boolean => isUnknownRole(answer) || (answer.status === 404 && answer.body !== undefined)
  const { answer, token } = await api.ask({ method: 'GET', path: encodedPath(path), call: 'write', right, takes }, signal)
  if (isUnknownRole(answer) || isAbsence(answer)) return undefined
  if (answer.status === 404) throw noRole()
  return leaseIn(answer, token, askedAt)
}

function noRole(): SecretsError {
  return new SecretsError('CONFIGURATION', 'Vault issues nothing at this path', {
    remedy: 'correct `leased`, the path in `names`, or `namespace`',
    storeStatus: '404',
  })
}

async function renew(api: VaultApi, lease: Lease, signal: AbortSignal): Promise<Lease | 'spent' | 'gone'> {
  const askedAt = Date.now()
  const body = { lease_id: lease.id, increment: Math.ceil(lease.grantedMs / 1000) }
  const { answer } = await api.ask({ ...post('sys/leases/renew', body), right: toRenew, takes: isGone }, signal)
  return isGone(answer) ? 'gone' : (renewedLease(lease, answer, askedAt) ?? 'spent')
}

async function revoke(api: VaultApi, { id }: Lease, signal: AbortSignal): Promise<void> {
  await api.ask({ ...post('sys/leases/revoke', { lease_id: id }), right: toRevoke }, signal)
}

/** A lease that may not be renewed is good until it ends. */
function withoutRenewal(error: unknown): 'spent' {
  if (hasCode(error, 'PERMISSION_DENIED', 'INVALID_ARGUMENT')) return 'spent'
  throw error
}

/** Idempotent, so it may be sent again. */
function post(path: string, body: object): { method: 'POST'; path: string; body: string; call: 'read' } {
  return { method: 'POST', path, body: JSON.stringify(body), call: 'read' }
}

function isUnknownRole(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'unknown role')
}

function isGone(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'lease not found')
}
