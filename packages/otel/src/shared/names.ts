import { loadCrypto } from '@finchat/secrets-core/provider'
import { nameDigest } from '@finchat/secrets-core/sealing'

/** How names of secrets appear in spans and metrics. */
export type NamesMode = 'plain' | 'hashed' | 'omit'

/** The name as an attribute shows it; undefined if it shows none. */
export type NameText = (name: string) => string | undefined

/** Without a key one is made for this process, so that other processes have other digests. */
export function nameTextOf(mode: NamesMode, key: Uint8Array | undefined): NameText {
  if (mode === 'omit') return () => undefined
  const text = mode === 'plain' ? (name: string) => name : nameDigest('nameKey', key ?? keyOfProcess())
  return (name) => (name === everything ? undefined : text(name))
}

let ownKey: Uint8Array | undefined

function keyOfProcess(): Uint8Array {
  return (ownKey ??= loadCrypto().randomBytes(32))
}

/** What operations on no single secret are recorded under. */
const everything = '*'
