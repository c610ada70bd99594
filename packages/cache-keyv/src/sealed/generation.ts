import type { SharedPath } from '@finchat/secrets-core'
import { seal, unseal } from '@finchat/secrets-core/sealing'
import { type CacheKeys, loadCrypto } from './key-ring.ts'
import { dataOf } from './entry.ts'

/**
 * Of one path. Only entries of its generation are served: whoever changes it, takes them all from the fleet at once, and what a slow reader
 * brings later is of one that is over.
 */
export interface Generation {
  /** 16 random bytes in base64url. */
  readonly id: string
  /** What has a lower number is not the current version; 0: any is. */
  readonly leastVersion: number
  /** Epoch milliseconds: from then on any is. */
  readonly leastUntil: number
}

type Path = SharedPath & { readonly namespace: string }

const idBytes = 16
const plainBytes = idBytes + 8 + 8

/** Longer than a replica of a secret store lags behind; and whoever puts an earlier version back by hand has the whole fleet share again by then. */
const leastForMs = 900_000

/** `leastVersion` as in `SharedPath`: absent, that of `before` stands until its time is over; 0 lifts it. */
export function newGeneration(leastVersion: number | undefined, before?: Generation): Generation {
  const now = Date.now()
  const id = loadCrypto().randomBytes(idBytes).toString('base64url')
  const former = leastIn(before, now)
  if (leastVersion === undefined) return { id, leastVersion: former, leastUntil: former === 0 ? now : (before?.leastUntil ?? now) }
  return { id, leastVersion: leastVersion === 0 ? 0 : Math.max(leastVersion, former), leastUntil: now + leastForMs }
}

/** It was told 0, and does not merely lack a least version. */
export function isLift(generation: Generation | undefined, now: number): boolean {
  return generation?.leastVersion === 0 && now < generation.leastUntil
}

/** The least version that may be served as the current one. */
export function leastIn(generation: Generation | undefined, now: number): number {
  return generation !== undefined && now < generation.leastUntil ? generation.leastVersion : 0
}

export function sealGeneration({ seals }: CacheKeys, path: Path, { id, leastVersion, leastUntil }: Generation): string {
  const plain = Buffer.alloc(plainBytes)
  Buffer.from(id, 'base64url').copy(plain)
  plain.writeDoubleBE(leastVersion, idBytes)
  plain.writeDoubleBE(leastUntil, idBytes + 8)
  return seal(seals.generations, dataOf('generation', placed(path)), plain).toString('base64url')
}

/** The generation, or `undefined` for what none of the keys has sealed for this path. */
export function openGeneration({ opens }: CacheKeys, path: Path, sealed: string): Generation | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  for (const { generations } of opens) {
    const plain = unseal(generations, dataOf('generation', placed(path)), bytes)
    if (plain?.length !== plainBytes) continue
    const [leastVersion, leastUntil] = [plain.readDoubleBE(idBytes), plain.readDoubleBE(idBytes + 8)]
    return { id: plain.toString('base64url', 0, idBytes), leastVersion, leastUntil }
  }
  return undefined
}

/** A generation is of every version of the path. */
function placed({ namespace, sharedAs, path }: Path): Path & { readonly version: undefined } {
  return { namespace, sharedAs, path, version: undefined }
}
