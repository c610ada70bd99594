import { SecretsError } from '@finchat/secrets-core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { failed, type Finding, ok, warn } from './finding.ts'

const generating = 'make a random key by `finchat-secrets keygen`, then seal the store with it by `finchat-secrets reencrypt`'
/** What an attacker with the file can try: https://pages.nist.gov/800-63-3/sp800-63b.html asks for 112 bits of a random secret. */
const leastBits = 112

/** Whether the key is random. The finding tells neither the key nor its length. */
export async function probeKey(key: string): Promise<Finding> {
  const { parseKey } = await loadOnUse(
    { what: 'the key parser', name: '@finchat/secrets-core' },
    () => import('@finchat/secrets-core/sealing'),
    'parseKey',
  )
  try {
    const parsed = parseKey(key)
    if (parsed.kind === 'passphrase') return warn('key strength', passphraseFinding(parsed.text), generating)
    parsed.bytes.fill(0)
    return ok('key strength', 'the key is 32 random bytes')
  } catch (error) {
    return failed('key strength', SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'the key cannot be judged'))
  }
}

function passphraseFinding(text: string): string {
  const strength = estimatedBits(text) < leastBits ? `fewer than ${leastBits} bits` : `${leastBits} bits or more`
  return `the key is a passphrase, estimated at ${strength}, where a random key has 256`
}

/**
 * The estimate of NIST SP 800-63-2, appendix A, for text that a person chose: 4 bits for the first
 * character, 2 for each of the next 7, 1.5 up to the 20th, then 1; and 6 for mixed classes.
 */
export function estimatedBits(text: string): number {
  const length = Array.from(text).length
  const between = (from: number, to: number): number => Math.max(0, Math.min(length, to) - from)
  const isMixed = text !== text.toLowerCase() && Array.from(text).some((each) => each.toLowerCase() === each.toUpperCase())
  return Math.min(length, 1) * 4 + between(1, 8) * 2 + between(8, 20) * 1.5 + between(20, Infinity) + (isMixed ? 6 : 0)
}
