import type { SharedPath } from '@finchat/secrets-core'
import { loadCrypto } from './builtins.ts'
import type { CacheKeys } from './cache-keys.ts'
import { seal, unseal } from './seal.ts'
import { dataOf } from './sealed-entry.ts'

/**
 * Of one path. Only entries of its generation are served: whoever changes it, takes them all from the fleet at once, and what a slow reader
 * brings later is of one that is over.
 */
export interface Generation {
  /** 16 random bytes in base64url. */
  readonly id: string
  /** What has a lower number is not the current version; 0: any is. */
  readonly leastVersion: number
}

type Path = SharedPath & { readonly namespace: string }

const idBytes = 16

export function newGeneration(leastVersion: number): Generation {
  return { id: loadCrypto().randomBytes(idBytes).toString('base64url'), leastVersion }
}

export function sealGeneration({ seals }: CacheKeys, path: Path, { id, leastVersion }: Generation): string {
  const plain = Buffer.alloc(idBytes + 8)
  Buffer.from(id, 'base64url').copy(plain)
  plain.writeDoubleBE(leastVersion, idBytes)
  return seal(seals, dataOf('generation', placed(path)), plain).toString('base64url')
}

/** The generation, or `undefined` for what none of the keys has sealed for this path. */
export function openGeneration({ opens }: CacheKeys, path: Path, sealed: string): Generation | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  for (const key of opens) {
    const plain = unseal(key, dataOf('generation', placed(path)), bytes)
    if (plain?.length === idBytes + 8) return { id: plain.toString('base64url', 0, idBytes), leastVersion: plain.readDoubleBE(idBytes) }
  }
  return undefined
}

/** A generation is of every version of the path. */
function placed({ namespace, sharedAs, path }: Path): { namespace: string; sharedAs: string; path: string } {
  return { namespace, sharedAs, path }
}
