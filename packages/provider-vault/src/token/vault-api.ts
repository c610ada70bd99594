import type { VaultAnswer } from '../http/answer.ts'
import { SecretsError } from '@finchat/secrets-core'
import { isJsonObject } from '@finchat/secrets-core/provider'
import { isVaults, classify } from '../protocol/responses.ts'
import { asSecretsErrors, type CallBounds, member, pauseWithin, timedCall } from '@finchat/secrets-core/http'
import { answerError, type Outgoing, type Send } from '../protocol/request.ts'
import { mountsRequest, type TokenCheck } from './token-check.ts'
import type { TokenHolder } from './token-holder.ts'
import { encodedPath } from '../shared/paths.ts'

/** A right as a policy names it. */
export interface Right {
  readonly capability: 'read' | 'list' | 'create or update' | 'create or update or patch' | 'patch' | 'update' | 'delete'
  /** The path as a policy writes it. */
  readonly on: string
  /** The other remedy. Default: route the name away. */
  readonly otherwise?: string | undefined
  /** What to use where the path names the mount itself. */
  readonly inside?: string | undefined
}

export interface Ask extends Omit<Outgoing, 'token' | 'call'> {
  readonly call: 'read' | 'write'
  readonly right: () => Right
  /** Errors that the caller wants to judge itself. */
  readonly takes?: (answer: VaultAnswer) => boolean
}

/** An answer, and the id of the token it was issued under. */
interface Issued {
  readonly answer: VaultAnswer
  readonly token: string
}

/** Calls with the held token. */
export interface VaultApi {
  /** Resolves to a result or the 404 of a missing secret. Rejects with a `SecretsError`. */
  readonly ask: (ask: Ask, signal: AbortSignal) => Promise<Issued>
  /**
   * The mounts that the token may see. Rejects if the server is unreachable or refuses the token.
   */
  readonly mounts: (signal: AbortSignal) => Promise<VaultAnswer>
  /** The mount at this path, also in another namespace; undefined if the token may not see it. */
  readonly mountAt: (mount: string, signal: AbortSignal) => Promise<unknown>
}

/** A standby learns a new token within some 200 ms (measured). */
const repeatAfterMs = 250

const mountsRight = (): Right => ({ capability: 'read', on: mountsRequest.path })

export interface Access {
  readonly tokens: TokenHolder
  readonly check: TokenCheck
}

export function vaultApi(send: Send, access: Access, limits: Pick<CallBounds, 'timeoutMs' | 'closing'>): VaultApi {
  const ask: VaultApi['ask'] = (asked, outer) =>
    asSecretsErrors(asked.call === 'write', () =>
      timedCall({ ...limits, signal: outer }, (signal) => accepted(send, access, asked, signal).then((issued) => judged(issued, asked))),
    )
  return {
    ask,
    mounts: (signal) => ask({ ...mountsRequest, right: mountsRight }, signal).then(({ answer }) => answer),
    mountAt: async (mount, signal) => {
      const path = `${mountsRequest.path}/${encodedPath(mount)}`
      const { answer } = await ask({ ...mountsRequest, path, right: mountsRight, takes: isDenied }, signal)
      return answer.status === 200 ? member(answer.body, 'data') : undefined
    },
  }
}

/** Any other success is not Vault's. */
export function assertMounts({ body, status }: VaultAnswer): void {
  if (isJsonObject(body?.['data'])) return
  throw new SecretsError('INTERNAL', 'the answer names no mounts, as Vault does', {
    storeStatus: String(status),
    remedy: 'point `url` at Vault itself, or at what passes its answers on unchanged',
  })
}

function judged(issued: Issued, { call, takes, right }: Ask): Issued {
  const { answer } = issued
  const outcome = takes?.(answer) ? undefined : classify(answer, call)
  if (outcome === undefined) return issued
  const isDenial = outcome.code === 'PERMISSION_DENIED' && isVaults(answer)
  throw answerError(answer, outcome, call, isDenial ? remedyOf(right()) : undefined)
}

/** An answer of another shape comes from a proxy before Vault. */
function isDenied(answer: VaultAnswer): boolean {
  return answer.status === 403 && isVaults(answer)
}

/** `isOpen`: the token has no use left for the check. */
interface Attempt {
  readonly issued: Issued
  readonly isRefused: boolean
  readonly isOpen?: boolean
}

/**
 * Sends with the held token, after one fresh login, or a second time. Returns the answer once the
 * token is accepted; rejects with `UNAUTHENTICATED`.
 */
async function accepted(send: Send, access: Access, request: Outgoing, signal: AbortSignal): Promise<Issued> {
  const { tokens } = access
  const attempt = (token: string, isLast = false): Promise<Attempt> => attempted(send, access, request, { token, isLast }, signal)
  const held = tokens.take() ?? (await tokens.token(signal))
  const first = await attempt(held)
  if (!first.isRefused) return first.issued
  const next = await tokens.replace(held, signal)
  if (next !== held) {
    const second = await attempt(next)
    if (!second.isRefused) return second.issued
  }
  await pauseWithin(repeatAfterMs, signal)
  const last = await tokens.token(signal) // the same, unless its uses are over
  const third = await attempt(last, true)
  // Three tokens were refused at once after good logins: a policy refuses.
  if (!third.isRefused || third.isOpen) return third.issued
  throw tokens.refused(last)
}

async function attempted(
  send: Send,
  { tokens, check }: Access,
  { method, path, body, contentType, call }: Outgoing,
  { token, isLast }: { readonly token: string; readonly isLast: boolean },
  signal: AbortSignal,
): Promise<Attempt> {
  const { mark } = check
  // A refusal counts for 15 minutes, so the active node decides: a standby may be behind.
  const answer = await send({ method, path, body, contentType, call, token, isForActive: isLast }, signal)
  const issued = { answer, token: tokens.idOf(token) }
  // This path needs no token, so Vault counts no use.
  if (path.startsWith(mountsRequest.path)) tokens.returnUse(token)
  if (!isDenied(answer)) return { issued, isRefused: false }
  if (path === mountsRequest.path) return { issued, isRefused: true }
  if (!tokens.hasUseLeft(token)) return { issued, isRefused: true, isOpen: true }
  return { issued, isRefused: await (isLast ? check.isRefusedByActive(token, signal) : check.isRefused(token, mark, signal)) }
}

function remedyOf({ capability, on, otherwise = 'route the name away', inside }: Right): string {
  const quoted = capability.split(' or ').map((word) => `"${word}"`)
  const first = inside === undefined ? '' : `paths are inside the mount: use ${inside}; else `
  return `${first}allow ${quoted.join(', ')} on "${on}", or ${otherwise}`
}
