import { createSecretsManager, envProvider } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'

const providers = {
  env: () => envProvider(),
  local: () => localProvider({ path: ':memory:', key: generateKey() }),
  aws: () => awsProvider({ region: 'eu-west-1', endpoint: process.env.AWS_STUB }),
  vault: () => vaultProvider({ url: process.env.VAULT_STUB, auth: tokenAuth('of-the-stub') }),
}

/** Reads one secret by one provider. `ms` is the time since the process began. */
export async function firstSecret(provider) {
  const secrets = createSecretsManager({ providers: [providers[provider]()] })
  try {
    if (provider === 'local') await secrets.storeSecret('FINCHAT_TOKEN', 'of local')
    return { value: await secrets.getSecret('FINCHAT_TOKEN'), ms: performance.now() }
  } catch (error) {
    return { value: error.message, ms: performance.now() }
  } finally {
    await secrets.close()
  }
}
