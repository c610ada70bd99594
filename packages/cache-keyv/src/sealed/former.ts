import type { FormerKey } from '@finchat/secrets-core'
import { lengthPrefixed, mac, seal, unseal } from '@finchat/secrets-core/sealing'
import { authenticated } from './entry.ts'
import { format, type KeyRing } from './key-ring.ts'

/** Digests of two values that followed each other; `none`: the secret was gone. */
export interface SeenOrder {
  readonly current: string
  readonly former: string
}

/** As long as a digest in base64url, so that no length tells it. */
export const none: string = '-'.repeat(43)

interface Position extends FormerKey {
  readonly namespace: string
}

/** Bound to the part, so that equal values of two secrets have different digests. */
export function formerDigest({ digests }: KeyRing, at: Position, value: Uint8Array): Buffer {
  const { namespace, sharedAs, path, part } = at
  const valueDigest = mac(digests, value)
  return mac(digests, Buffer.concat([lengthPrefixed([format, 'former', namespace, sharedAs, path, part]), valueDigest]))
}

export function sealOrder({ seals }: KeyRing, at: Position, { current, former }: SeenOrder): string {
  return seal(seals.formers, contextOf('order', at), Buffer.from(current + former)).toString('base64url')
}

export function openOrder(keys: KeyRing, at: Position, sealed: string | undefined): SeenOrder | undefined {
  const text = opened(keys, contextOf('order', at), sealed)?.toString()
  return text?.length === 2 * none.length ? { current: text.slice(0, none.length), former: text.slice(none.length) } : undefined
}

/** `until`: by the writer's clock, so that a replayed text ends too. */
export function sealSeen({ seals }: KeyRing, at: Position, digest: string, until: number): string {
  const plain = Buffer.alloc(8)
  plain.writeDoubleBE(until)
  return seal(seals.formers, contextOf('seen', at, digest), plain).toString('base64url')
}

export function openSeen(keys: KeyRing, at: Position, digest: string, sealed: string | undefined): number | undefined {
  const plain = opened(keys, contextOf('seen', at, digest), sealed)
  return plain?.length === 8 ? plain.readDoubleBE() : undefined
}

function opened({ opens }: KeyRing, context: Buffer, sealed: string | undefined): Buffer | undefined {
  if (sealed === undefined) return undefined
  const bytes = Buffer.from(sealed, 'base64url')
  for (const { formers } of opens) {
    const plain = unseal(formers, context, bytes)
    if (plain !== undefined) return plain
  }
  return undefined
}

function contextOf(kind: string, { namespace, sharedAs, path, part, graceMs }: Position, ...digests: readonly string[]): Buffer {
  return authenticated(kind, { namespace, sharedAs, path, version: undefined }, part, graceMs, ...digests)
}
