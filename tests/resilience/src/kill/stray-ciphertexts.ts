import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { localProvider } from '@finchat/secrets-provider-local'
import { storeKeys } from '../workload/store-keys.ts'

/** The first bytes of a ciphertext that tell it from every other: its nonce. */
const nonceLength = 12

/**
 * Prunes a closed store, which also erases the residue of killed processes. Counts the `known`
 * ciphertexts that are in the file but not in a row. Adds the current rows to the known.
 */
export async function strayCiphertexts(path: string, generation: number, known: Set<string>): Promise<number> {
  const provider = localProvider({ path, keys: storeKeys(generation) })
  await provider.put('ours', { value: 'written after the kill' }, { signal: new AbortController().signal })
  await provider.prune({ keepVersions: 1, path: 'ours' })
  await provider.close()
  const rows = nonces(path)
  const bytes = readFileSync(path)
  const strays = [...known].filter((nonce) => !rows.has(nonce) && bytes.includes(Buffer.from(nonce, 'hex')))
  for (const nonce of rows) known.add(nonce)
  return strays.length
}

function nonces(path: string): Set<string> {
  const sqlite = new DatabaseSync(path)
  try {
    const rows = sqlite.prepare('SELECT sealed FROM secrets WHERE version > 0').all()
    return new Set(rows.map(({ sealed }) => Buffer.from(sealed as Uint8Array).toString('hex', 0, nonceLength))) // a BLOB of a STRICT table
  } finally {
    sqlite.close()
  }
}
