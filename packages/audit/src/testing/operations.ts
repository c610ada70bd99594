import { type CallOptions, loadSecrets, type SecretsManager } from '@finchat/secrets-core'

export const canary = 'canary-of-a-value'

export type Operation = (secrets: SecretsManager, options?: CallOptions) => Promise<unknown>

/** Over a store that holds `token`, the canary, at version 1. */
export const reads: Readonly<Record<string, Operation>> = {
  getSecret: (secrets, options) => secrets.getSecret('token', options),
  getSecretValue: (secrets, options) => secrets.getSecretValue('token', options),
  'getSecret of a version': (secrets, options) => secrets.getSecret('token', { ...options, version: 1 }),
  'getSecret of what is not there': (secrets, options) => secrets.getSecret('missing', options),
  getSecrets: (secrets, options) => secrets.getSecrets(['token'], options),
  getSecretValues: async (secrets, options) => {
    const [outcome] = await secrets.getSecretValues([{ name: 'token' }], options)
    if (outcome?.status === 'rejected') throw outcome.reason
    return outcome?.value
  },
  loadSecrets: (secrets, options) => loadSecrets(secrets, { token: {} }, options),
  verifySecret: (secrets, options) => secrets.verifySecret('token', canary, options),
  describeSecret: (secrets, options) => secrets.describeSecret('token', options),
  listSecrets: async (secrets, options) => {
    const listed: unknown[] = []
    for await (const entry of secrets.listSecrets(options)) listed.push(entry)
    return listed
  },
  checkHealth: (secrets, options) => secrets.checkHealth(options),
}

export const effects: Readonly<Record<string, Operation>> = {
  storeSecret: (secrets, options) => secrets.storeSecret('token', `${canary} 2`, options),
  rotateSecret: (secrets, options) => secrets.rotateSecret('token', `${canary} 2`, options),
  deleteSecret: (secrets, options) => secrets.deleteSecret('token', options),
  restoreSecret: (secrets, options) => secrets.restoreSecret('token', { ...options, provider: 'memory' }),
  tagSecret: (secrets, options) => secrets.tagSecret('token', { team: 'pay' }, options),
}
