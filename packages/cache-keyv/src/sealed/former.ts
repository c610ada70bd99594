import type { FormerKey } from '@finchat/secrets-core'
import { lengthPrefixed, mac, seal, unseal } from '@finchat/secrets-core/sealing'
import { authenticated } from './entry.ts'
import { format, type KeyRing, type OpeningKeys } from './key-ring.ts'

/** Digests of two values that followed each other; `none`: the secret was gone. */
export interface SeenOrder {
  readonly current: string
  readonly former: string
  /** When the current value ends, by the clock of its writer. */
  readonly until: number
}

/** As long as a digest in base64url, so that no length tells it. */
export const none: string = '-'.repeat(43)

const timeLength = 8

interface Position extends FormerKey {
  readonly namespace: string
}

/** Bound to the part, so that equal values of two secrets have different digests. */
export function formerDigest({ digests }: KeyRing, at: Position, value: Uint8Array): Buffer {
  const { namespace, sharedAs, path, part } = at
  const valueDigest = mac(digests, value)
  return mac(digests, Buffer.concat([lengthPrefixed([format, 'former', namespace, sharedAs, path, part]), valueDigest]))
}

export function sealOrder({ seals }: KeyRing, at: Position, { current, former, until }: SeenOrder): string {
  const plain = Buffer.concat([timeBytes(until), Buffer.from(current + former)])
  return seal(seals.formers, contextOf('order', at), plain).toString('base64url')
}

export function openOrder(keys: OpeningKeys, at: Position, sealed: string | undefined): SeenOrder | undefined {
  const plain = opened(keys, contextOf('order', at), sealed)
  if (plain?.length !== timeLength + 2 * none.length) return undefined
  const text = plain.toString('latin1', timeLength)
  return { current: text.slice(0, none.length), former: text.slice(none.length), until: plain.readDoubleBE() }
}

/** `until`: by the writer's clock, so that a replayed text ends too. */
export function sealSeen({ seals }: KeyRing, at: Position, digest: string, until: number): string {
  return seal(seals.formers, contextOf('seen', at, digest), timeBytes(until)).toString('base64url')
}

export function openSeen(keys: OpeningKeys, at: Position, digest: string, sealed: string | undefined): number | undefined {
  const plain = opened(keys, contextOf('seen', at, digest), sealed)
  return plain?.length === timeLength ? plain.readDoubleBE() : undefined
}

function timeBytes(time: number): Buffer {
  const bytes = Buffer.alloc(timeLength)
  bytes.writeDoubleBE(time)
  return bytes
}

function opened({ opens }: OpeningKeys, context: Buffer, sealed: string | undefined): Buffer | undefined {
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
