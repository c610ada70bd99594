import type { WriteReceipt } from '../contract/provider.ts'

/**
 * Returns whether a receipt names this version: all that the receipt says must agree. An empty
 * receipt names no version.
 *
 * @example
 * import { matchesReceipt } from '@finchat/secrets-core/provider'
 *
 * const version = { version: 3, revision: 'a1' }
 * console.log(matchesReceipt({ version: 3 }, version), matchesReceipt({}, version)) // true false
 */
export function matchesReceipt(receipt: WriteReceipt, version: WriteReceipt): boolean {
  if (receipt.version === undefined && receipt.revision === undefined) return false
  return (receipt.version ?? version.version) === version.version && (receipt.revision ?? version.revision) === version.revision
}
