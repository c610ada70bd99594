import type { LoadedOnUse } from '@finchat/secrets-core/provider'

/** A command is loaded when it is called. */
export const ownPart: LoadedOnUse = { what: 'this command', name: '@finchat/secrets-cli' }
