import { assertWholeNumber, configurationError, knownOptions, loadCrypto } from '@finchat/secrets-core/provider'

/** Options of `tokenGenerator`. */
export interface TokenOptions {
  /** Random bytes, 16 to 1,024. Default 32. */
  readonly bytes?: number | undefined
  /** Default `base64url`, which needs no escape in URLs and headers. */
  readonly encoding?: 'base64url' | 'hex' | undefined
}

/**
 * Returns a function that makes random tokens. Throws `CONFIGURATION` for fewer than 128 bits.
 *
 * @example
 * import { tokenGenerator } from '@finchat/secrets-rotation'
 *
 * console.log(tokenGenerator()().length, tokenGenerator({ bytes: 16, encoding: 'hex' })().length) // 43 32
 */
export function tokenGenerator(options: TokenOptions = {}): () => string {
  const { bytes = 32, encoding = 'base64url' } = knownOptions(options, { bytes: 'number', encoding: 'string' })
  assertWholeNumber('bytes', bytes, 16, 1_024)
  if (encoding !== 'base64url' && encoding !== 'hex') throw configurationError('`encoding` is not known', 'use base64url or hex')
  return () => loadCrypto().randomBytes(bytes).toString(encoding)
}

/**
 * Returns a function that makes random UUIDs (version 4). They have 122 random bits: identifiers,
 * not passwords.
 *
 * @example
 * import { uuidGenerator } from '@finchat/secrets-rotation'
 *
 * console.log(uuidGenerator()().length) // 36
 */
export function uuidGenerator(): () => string {
  return () => loadCrypto().randomUUID()
}
