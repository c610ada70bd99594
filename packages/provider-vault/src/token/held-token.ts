import type { TokenBytes } from '../shared/token-bytes.ts'

/** A token and its life. Times are epoch milliseconds. */
export interface HeldToken {
  readonly token: TokenBytes
  /** Identifies the token without showing it. */
  readonly id: string
  /** A keyed digest of its credential, computed on demand: most tokens are never refused. */
  readonly fingerprint: () => string
  /** From our own login, so revoked at the end. */
  readonly isOurs: boolean
  /** It can be neither renewed nor revoked. */
  readonly isBatch: boolean
  readonly renewable: boolean
  /** The remaining requests of a limited token (`token_num_uses`). */
  readonly uses?: { left: number } | undefined
  /** The first grant; infinite if unknown or without end. */
  readonly grantedMs: number
  /** Slightly before the server ends it. */
  readonly expiresAt: number
  /** When to renew or replace it. */
  readonly renewAt: number
}

/** The grant may be as old as the request. Renewed after two thirds, spread for a fleet. */
export function lifeOf(ms: number, askedAt: number): Pick<HeldToken, 'grantedMs' | 'expiresAt' | 'renewAt'> {
  if (ms === Number.POSITIVE_INFINITY) return { grantedMs: ms, expiresAt: ms, renewAt: ms }
  return { grantedMs: ms, expiresAt: askedAt + ms - Math.min(1000, ms / 20), renewAt: askedAt + ms * (0.6 + Math.random() / 7) }
}

/** Converts `lease_duration` or `ttl`. `otherwise` for 0 or none: such a token never ends. */
export function msOf(seconds: unknown, otherwise: number = Number.POSITIVE_INFINITY): number {
  return typeof seconds === 'number' && seconds > 0 ? Math.max(1, seconds) * 1000 : otherwise
}

/** Takes one use; false if none is left. */
export function takeUse({ uses }: HeldToken): boolean {
  if (uses === undefined) return true
  if (uses.left === 0) return false
  uses.left -= 1
  return true
}
