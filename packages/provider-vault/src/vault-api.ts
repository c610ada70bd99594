import { member, type VaultAnswer } from './answer.ts'
import { isVaults, meaningOf } from './answer-table.ts'
import { type Bounds, bounded, pause } from './deadline.ts'
import { answerError, type Outgoing, type Send } from './sender.ts'
import { mountsRequest, type TokenCheck } from './token-check.ts'
import type { TokenHolder } from './token-holder.ts'
import { encodedPath } from './paths.ts'
import { asSecretsErrors } from './unanswered.ts'

/** What a token must be allowed, in the words of a policy. */
export interface Right {
  readonly capability: 'read' | 'list' | 'create or update' | 'patch' | 'update' | 'delete'
  /** The path as a policy writes it. */
  readonly on: string
  /** What to do instead. Default: route the name away. */
  readonly otherwise?: string | undefined
}

export interface Ask extends Omit<Outgoing, 'token' | 'call'> {
  readonly call: 'read' | 'write'
  readonly right: () => Right
  /** Answers that the caller wants to judge itself, though they mean an error. */
  readonly takes?: (answer: VaultAnswer) => boolean
}

/** An answer; what was issued with it ends with the token. */
interface Issued {
  readonly answer: VaultAnswer
  readonly token: string
}

/** Calls with the token that is held. */
export interface VaultApi {
  /** Resolves to what was asked for, or to a 404 that means that it does not exist; rejects with a `SecretsError` for all else. */
  readonly ask: (ask: Ask, signal: AbortSignal) => Promise<Issued>
  /** The mounts that the token may see. Rejects if the server cannot be reached or does not accept us. */
  readonly mounts: (signal: AbortSignal) => Promise<VaultAnswer>
  /** What is mounted at this path, in another namespace too; `undefined` where the token may see nothing of it. */
  readonly mountAt: (mount: string, signal: AbortSignal) => Promise<unknown>
}

/** A fresh token may not have reached a standby yet: some 200 ms were measured. */
const repeatAfterMs = 250

const mountsRight = (): Right => ({ capability: 'read', on: mountsRequest.path })

export function vaultApi(
  send: Send,
  { tokens, check }: { readonly tokens: TokenHolder; readonly check: TokenCheck },
  limits: Pick<Bounds, 'timeoutMs' | 'closing'>,
): VaultApi {
  const ask: VaultApi['ask'] = (asked, outer) =>
    asSecretsErrors(asked.call === 'write', () =>
      bounded({ ...limits, signal: outer }, (signal) =>
        accepted(send, { tokens, check }, asked, signal).then((issued) => judged(issued, asked)),
      ),
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

function judged(issued: Issued, { call, takes, right }: Ask): Issued {
  const { answer } = issued
  const meaning = takes?.(answer) ? undefined : meaningOf(answer, call)
  if (meaning === undefined) return issued
  const isDenial = meaning.code === 'PERMISSION_DENIED' && isVaults(answer)
  throw answerError(answer, meaning, call, isDenial ? remedyOf(right()) : undefined)
}

/** What is not Vault's own was denied by something before it. */
function isDenied(answer: VaultAnswer): boolean {
  return answer.status === 403 && isVaults(answer)
}

/** The answer to a request whose token was accepted: with the one that is held, after one fresh login, or on a second try. Rejects with `UNAUTHENTICATED`. */
async function accepted(
  send: Send,
  { tokens, check }: { readonly tokens: TokenHolder; readonly check: TokenCheck },
  request: Outgoing,
  signal: AbortSignal,
): Promise<Issued> {
  const { method, path, body, contentType, call } = request
  const unlessRefused = async (issued: Issued, mark: number): Promise<Issued | undefined> =>
    path === mountsRequest.path || (await check.isRefused(issued.token, mark, signal)) ? undefined : issued
  const attempt = (token: string): Promise<Issued | undefined> => {
    const mark = check.mark
    const answered = send({ method, path, body, contentType, call, token }, signal)
    return answered.then((answer) => (isDenied(answer) ? unlessRefused({ answer, token }, mark) : { answer, token }))
  }
  const held = tokens.held ?? (await tokens.token(signal))
  const first = await attempt(held)
  if (first !== undefined) return first
  const next = await tokens.replace(held, signal)
  const second = next === held ? undefined : await attempt(next)
  if (second !== undefined) return second
  await pause(repeatAfterMs, signal)
  const third = await attempt(next)
  if (third !== undefined) return third
  throw tokens.refused(next)
}

/** What a policy must say, word by word. */
function remedyOf({ capability, on, otherwise = 'route the name away' }: Right): string {
  const quoted = capability.split(' or ').map((word) => `"${word}"`)
  return `allow ${quoted.join(', ')} on "${on}", or ${otherwise}`
}
