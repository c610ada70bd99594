import type { SharedPath } from '@finchat/secrets-core'
import { loadCrypto } from '@finchat/secrets-core/provider'
import { seal, unseal } from '@finchat/secrets-core/sealing'
import { authenticated } from './entry.ts'
import type { KeyRing, OpeningKeys } from './key-ring.ts'

/**
 * Only entries of a path's current generation are served. What a slow reader writes after an
 * invalidation belongs to the old one.
 */
export interface Generation {
  readonly id: string
  /** Lower versions are not served as the current one. 0: any version is. */
  readonly leastVersion: number
  /** When `leastVersion` expires, epoch milliseconds. */
  readonly leastUntil: number
  /** When the path was last invalidated, by the clock of that process; 0 if a reader began it. */
  readonly invalidatedAt: number
}

type Path = SharedPath & { readonly namespace: string }

const idBytes = 16
const plainBytes = idBytes + 3 * 8

/** Longer than a replica lags. */
const leastForMs = 900_000

/** For a path without a generation. No process needs to ask anew because of it. */
export function firstGeneration(): Generation {
  return { id: newId(), leastVersion: 0, leastUntil: Date.now(), invalidatedAt: 0 }
}

/** Invalidates the one before. Without `leastVersion`, that of `before` stands; 0 removes it. */
export function nextGeneration(leastVersion: number | undefined, before: Generation | undefined): Generation {
  const now = Date.now()
  // Clocks of two writers differ.
  const started = { id: newId(), invalidatedAt: Math.max(now, (before?.invalidatedAt ?? 0) + 1) }
  const former = leastVersionOf(before, now)
  if (leastVersion === undefined) return { ...started, leastVersion: former, leastUntil: former === 0 ? now : (before?.leastUntil ?? now) }
  return { ...started, leastVersion: leastVersion === 0 ? 0 : Math.max(leastVersion, former), leastUntil: now + leastForMs }
}

function newId(): string {
  return loadCrypto().randomBytes(idBytes).toString('base64url')
}

/** Whether a writer removed the least version, by passing 0. */
export function isReset(generation: Generation | undefined, now: number): boolean {
  return generation?.leastVersion === 0 && now < generation.leastUntil
}

export function leastVersionOf(generation: Generation | undefined, now: number): number {
  return generation !== undefined && now < generation.leastUntil ? generation.leastVersion : 0
}

export function sealGeneration({ seals }: KeyRing, path: Path, { id, leastVersion, leastUntil, invalidatedAt }: Generation): string {
  const plain = Buffer.alloc(plainBytes)
  Buffer.from(id, 'base64url').copy(plain)
  plain.writeDoubleBE(leastVersion, idBytes)
  plain.writeDoubleBE(leastUntil, idBytes + 8)
  plain.writeDoubleBE(invalidatedAt, idBytes + 16)
  return seal(seals.generations, contextOf(path), plain).toString('base64url')
}

export function openGeneration({ opens }: OpeningKeys, path: Path, sealed: string): Generation | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  for (const { generations } of opens) {
    const plain = unseal(generations, contextOf(path), bytes)
    if (plain?.length !== plainBytes) continue
    const [leastVersion, leastUntil] = [plain.readDoubleBE(idBytes), plain.readDoubleBE(idBytes + 8)]
    return { id: plain.toString('base64url', 0, idBytes), leastVersion, leastUntil, invalidatedAt: plain.readDoubleBE(idBytes + 16) }
  }
  return undefined
}

/** Sets the version, so that none is read from a polluted prototype. */
function contextOf({ namespace, sharedAs, path }: Path): Buffer {
  return authenticated('generation', { namespace, sharedAs, path, version: undefined })
}
