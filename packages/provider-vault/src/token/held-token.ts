import type { Life } from '../shared/renewal-time.ts'
import type { TokenBytes } from '../shared/token-bytes.ts'

/** A token and its life. */
export interface HeldToken extends Life {
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
