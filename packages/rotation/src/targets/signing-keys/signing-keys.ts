import type { CallContext, SecretValue } from '@finchat/secrets-core'
import { assertWholeNumber, configurationError, hasCode, knownOptions, loadCrypto, throwIfAborted } from '@finchat/secrets-core/provider'
import { functionTarget } from '../function-target.ts'
import type { Fence, RotationTarget } from '../target.ts'
import { assertAlgorithm, type Jwks, jwksOf, type KeyRing, newKey, ringIn, type SigningAlgorithm, signingKeyOf } from './key-ring.ts'

/** Options of `signingKeys`. */
export interface SigningKeysOptions {
  /** Of the keys that are made from now on. Default `EdDSA`. */
  readonly algorithm?: SigningAlgorithm | undefined
  /** How many keys that signed before still verify, 1 to 20. Default 1. */
  readonly former?: number | undefined
  /**
   * Publishes the public keys where verifiers read them. Compare `fence.token` there: otherwise a
   * process that was stopped publishes old keys. Absent: the service publishes what the store has.
   */
  readonly publish?: ((jwks: Jwks, fence: Fence, context: CallContext) => Promise<void>) | undefined
  /** Reads what verifiers read, for the test. Required with `publish`. */
  readonly published?: ((context: CallContext) => Promise<Jwks>) | undefined
}

/**
 * Returns a target that rotates a ring of signing keys. Each rotation lets the next key sign, which
 * verifiers have known for one rotation. It keeps the former key for tokens that it signed, and
 * makes a new next key. Rotate more slowly than verifiers cache the JWKS and than tokens live. The
 * secret is the JSON text that `newKeyRing` returns.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 * import { newKeyRing, signingKeys } from '@finchat/secrets-rotation/signing-keys'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider()] })
 * await secrets.storeSecret('jwt', await newKeyRing())
 * const following = await signingKeys().next(await secrets.getSecretValue('jwt'), () => '')
 * console.log(typeof following) // string
 */
export function signingKeys(options: SigningKeysOptions = {}): RotationTarget {
  const { algorithm = 'EdDSA', former = 1, publish, published } = checkedOptions(options)
  return functionTarget({
    next: async (current) => JSON.stringify(await following(ringIn(current), algorithm, former)), // makes its keys itself
    apply: async (value, fence, context) => {
      throwIfAborted(context.signal)
      await publish?.(jwksOf(value), fence, context)
    },
    test: async (value, context) => {
      if (!canSign(value)) return 'refused'
      if (published === undefined) return 'accepted'
      const known = new Set((await published(context)).keys.map(({ kid }) => kid))
      return jwksOf(value).keys.every(({ kid }) => known.has(kid)) ? 'accepted' : 'refused'
    },
  })
}

function checkedOptions(options: SigningKeysOptions): SigningKeysOptions {
  const known = knownOptions(options, { algorithm: 'string', former: 'number', publish: 'any', published: 'any' })
  const { algorithm, former, publish, published } = known
  if (algorithm !== undefined) assertAlgorithm(algorithm)
  if (former !== undefined) assertWholeNumber('former', former, 1, 20)
  if (typeof publish !== typeof published || (publish !== undefined && typeof publish !== 'function'))
    throw configurationError('`publish` and `published` are not two functions', 'pass both or neither')
  return known
}

/** The next key signs, the one that signed verifies, and the oldest go. */
async function following({ signing, keys }: KeyRing, algorithm: SigningAlgorithm, former: number): Promise<KeyRing> {
  const at = keys.findIndex(({ kid }) => kid === signing)
  const next = keys[at - 1] ?? (await newKey(algorithm)) // a ring of another tool may have no next key
  return { signing: next.kid, keys: [await newKey(algorithm), next, ...keys.slice(at, at + former)] }
}

/** Signs and verifies once, as a service and its clients do. */
function canSign(value: SecretValue): boolean {
  const { createPublicKey, sign, verify } = loadCrypto()
  try {
    const { kid, alg, key } = signingKeyOf(value)
    const jwk = jwksOf(value).keys.find((each) => each.kid === kid)
    const digest = alg === 'EdDSA' ? undefined : 'sha256'
    const text = Buffer.from(kid)
    return jwk !== undefined && verify(digest, text, createPublicKey({ key: jwk, format: 'jwk' }), sign(digest, text, key))
  } catch (error) {
    if (hasCode(error, 'INVALID_ARGUMENT')) return false
    throw error
  }
}
