import { seal, unseal } from '@finchat/secrets-core/sealing'
import { authenticated, type Position } from './entry.ts'
import type { KeyRing, OpeningKeys } from './key-ring.ts'

const plainBytes = 8

/** Until when the store need not be asked, epoch milliseconds. */
export function sealOutageMark({ seals }: KeyRing, at: Position, until: number): string {
  const plain = Buffer.alloc(plainBytes)
  plain.writeDoubleBE(until)
  return seal(seals.generations, authenticated('outage', at), plain).toString('base64url')
}

export function openOutageMark({ opens }: OpeningKeys, at: Position, sealed: string): number | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  for (const { generations } of opens) {
    const plain = unseal(generations, authenticated('outage', at), bytes)
    if (plain?.length === plainBytes) return plain.readDoubleBE()
  }
  return undefined
}
