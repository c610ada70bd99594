import { SecretsError } from '@finchat/secrets-core'

/** Loaded when first needed, so that importing this package costs nothing; what Node has loaded once is only looked up. */
export function loadCrypto(): typeof import('node:crypto') {
  // An older Node.js has no `getBuiltinModule`, which its types do not know.
  if (typeof process.getBuiltinModule === 'function') return process.getBuiltinModule('node:crypto')
  throw new SecretsError('CONFIGURATION', `the shared cache needs Node.js 22.19 or later; this is ${process.version}`)
}
