import type { TokenBytes } from '../shared/token-bytes.ts'

/** A token, and what is known of its life. Times are epoch milliseconds. */
export interface HeldToken {
  readonly token: TokenBytes
  /** Tells it from others, and shows nothing of it. */
  readonly id: string
  /** A keyed digest of the credential that it was got with. Computed when asked for: most tokens are never refused. */
  readonly fingerprint: () => string
  /** We logged in for it: nobody else has it, and it is revoked at the end. */
  readonly isOurs: boolean
  /** What the server calls a batch token: it can neither be renewed nor revoked. */
  readonly isBatch: boolean
  readonly renewable: boolean
  /** The requests that are left to a token of limited uses (`token_num_uses`). */
  readonly uses?: { left: number } | undefined
  /** How long it was good for when it was new; infinite where that is not known, or never ends. */
  readonly grantedMs: number
  /** From then on it is not sent any more: a little before the server lets it end. */
  readonly expiresAt: number
  /** From then on it is renewed, or another one is got. */
  readonly renewAt: number
}

/** Of a token that lives so long from when it was asked for, since it may have been granted then. Renewed after two thirds, spread so that a fleet does not come at once. */
export function lifeOf(ms: number, askedAt: number): Pick<HeldToken, 'grantedMs' | 'expiresAt' | 'renewAt'> {
  if (ms === Number.POSITIVE_INFINITY) return { grantedMs: ms, expiresAt: ms, renewAt: ms }
  return { grantedMs: ms, expiresAt: askedAt + ms - Math.min(1000, ms / 20), renewAt: askedAt + ms * (0.6 + Math.random() / 7) }
}

/** Of `lease_duration` or `ttl`, in seconds, and not less than one; `otherwise` where it is 0 or none: a new token then never ends. */
export function msOf(seconds: unknown, otherwise: number = Number.POSITIVE_INFINITY): number {
  return typeof seconds === 'number' && seconds > 0 ? Math.max(1, seconds) * 1000 : otherwise
}

/** Takes one use of the token. `false`: none is left. */
export function takeUse({ uses }: HeldToken): boolean {
  if (uses === undefined) return true
  if (uses.left === 0) return false
  uses.left -= 1
  return true
}
