import type { CallContext, StoredSecret } from '@finchat/secrets-core'
import { expect, onTestFinished } from 'vitest'
import { vaultAnswer, type VaultAnswer } from '../http/answer.ts'
import { appRole } from '../auth/app-role.ts'
import type { VaultAuth } from '../auth/vault-auth.ts'
import { interruption } from '@finchat/secrets-core/http'
import { leaseRequests, listeningMs } from '../leases/requests.ts'
import { Leases } from '../leases/leases.ts'
import { loginEvents } from '../token/login-events.ts'
import type { Outgoing, Send } from '../protocol/request.ts'
import { TokenCheck } from '../token/token-check.ts'
import { TokenHolder } from '../token/token-holder.ts'
import { vaultApi } from '../token/vault-api.ts'
import { canaries } from './stub-vault.ts'

interface Account {
  readonly id: string
  readonly token: string
  readonly lastEnd: number
  endsAt: number
}

/**
 * A server that creates accounts and ends them by the test's clock. A test changes its grants and
 * answers.
 */
export interface LeasingVault {
  readonly asked: string[]
  readonly accounts: Account[]
  leaseSeconds: number
  maxSeconds: number
  tokenSeconds: number
  tokenType: 'service' | 'batch'
  /** Replaces the usual answer. */
  answer: (outgoing: Outgoing, usual: () => VaultAnswer) => VaultAnswer | Promise<VaultAnswer> | undefined
  readonly endToken: () => void
  /** When the account ends; 0 if it has ended. */
  readonly endOf: (username: string) => number
}

export const path = 'database/creds/app'
export const context: CallContext = { signal: new AbortController().signal }
export const sealed: VaultAnswer = answerOf(503, { errors: ['Vault is sealed'] })
export const denied: VaultAnswer = answerOf(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] })

export function leasingVault(): LeasingVault & { readonly send: Send } {
  const tokens = new Map<string, number>()
  const vault: LeasingVault = {
    asked: [],
    accounts: [],
    leaseSeconds: 3600,
    maxSeconds: 24 * 3600,
    tokenSeconds: 30 * 24 * 3600,
    tokenType: 'service',
    answer: () => undefined,
    endToken: () => tokens.clear(),
    endOf: (username) => {
      const account = vault.accounts[Number(username.split('-').at(-1)) - 1]
      return account !== undefined && isGood(account, tokens) ? Math.min(account.endsAt, tokens.get(account.token) ?? 0) : 0
    },
  }
  const send: Send = async (outgoing, signal) => {
    vault.asked.push(outgoing.path)
    await Promise.resolve()
    const usual = (): VaultAnswer =>
      outgoing.call === 'login' ? tokenAnswer(vault, tokens, outgoing) : leaseAnswer(vault, tokens, outgoing)
    const { promise: ended, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(interruption(signal, true)))
    return (await Promise.race([vault.answer(outgoing, usual), ended])) ?? usual()
  }
  return Object.assign(vault, { send })
}

function tokenAnswer(vault: LeasingVault, tokens: Map<string, number>, { path: asked, token = '' }: Outgoing): VaultAnswer {
  const name = asked.endsWith('login') ? `token-${count(vault, 'login')}` : token
  const life = { lease_duration: vault.tokenSeconds, renewable: vault.tokenType === 'service', token_type: vault.tokenType }
  if (asked === 'auth/token/revoke-self') tokens.delete(token)
  else tokens.set(name, Date.now() + vault.tokenSeconds * 1000)
  return answerOf(200, { auth: { client_token: name, ...life }, data: { ttl: vault.tokenSeconds, renewable: false } })
}

function leaseAnswer(vault: LeasingVault, tokens: ReadonlyMap<string, number>, { path: asked, token = '', body }: Outgoing): VaultAnswer {
  const now = Date.now()
  if (now >= (tokens.get(token) ?? 0)) return answerOf(403, { errors: ['permission denied'] })
  if (asked === 'sys/internal/ui/mounts') return answerOf(200, { data: {} })
  if (asked === 'sys/leases/revoke') return denied
  if (asked !== 'sys/leases/renew') return made(vault, token, now)
  const account = vault.accounts.find(({ id }) => body?.includes(id))
  if (account === undefined || !isGood(account, tokens)) return answerOf(400, { errors: ['lease not found'] })
  account.endsAt = Math.min(account.lastEnd, now + vault.leaseSeconds * 1000)
  return answerOf(200, {
    lease_id: account.id,
    renewable: true,
    lease_duration: Math.floor((account.endsAt - now) / 1000),
    request_id: 'r',
  })
}

function made(vault: LeasingVault, token: string, now: number): VaultAnswer {
  const n = vault.accounts.length + 1
  const [id, seconds] = [`${path}/${n}`, Math.min(vault.leaseSeconds, vault.maxSeconds)]
  vault.accounts.push({ id, token, endsAt: now + seconds * 1000, lastEnd: now + vault.maxSeconds * 1000 })
  const data = { username: `user-${n}`, password: `${canaries.value}-${n}` }
  return answerOf(200, { request_id: 'r', lease_id: id, renewable: true, lease_duration: seconds, data })
}

function isGood({ token, endsAt }: Account, tokens: ReadonlyMap<string, number>): boolean {
  return Date.now() < endsAt && Date.now() < (tokens.get(token) ?? 0)
}

export function answerOf(status: number, body: unknown): VaultAnswer {
  return vaultAnswer(status, body === undefined ? '' : JSON.stringify(body))
}

/** The user in a secret, whose password must be that user's. */
export function userIn(secret: StoredSecret | undefined): string {
  const { username, password } = JSON.parse(String(secret?.value)) as { username: string; password: string } // as the server above answers
  expect(password.split('-').at(-1)).toBe(username.split('-').at(-1))
  return username
}

/** The provider's leases over that server. */
export function leasesOf(
  vault: ReturnType<typeof leasingVault>,
  auth: VaultAuth = appRole({ roleId: 'r', secretId: canaries.secretId }),
): { readonly leases: Leases; readonly close: () => Promise<void> } {
  const ending = new AbortController()
  const limits = { timeoutMs: 5_000, closing: ending.signal }
  const events = loginEvents('vault', auth.method)
  const tokens = new TokenHolder({ auth, send: vault.send, events, ...limits })
  const access = { tokens, check: new TokenCheck(vault.send, limits) }
  const [api, patient] = [limits, { ...limits, timeoutMs: listeningMs }].map((each) => vaultApi(vault.send, access, each))
  if (api === undefined || patient === undefined) throw new Error('there are two')
  const requests = leaseRequests(api, patient, events)
  const leases = new Leases({ leased: ['database/creds'], requests, statusOf: (token) => tokens.statusOf(token), limits })
  const close = async (): Promise<void> => {
    await leases.close()
    await tokens.close()
    ending.abort()
  }
  onTestFinished(close)
  return { leases, close }
}

/** How often a path was requested. */
export function count({ asked }: LeasingVault, ending: string): number {
  return asked.filter((each) => each.endsWith(ending)).length
}
