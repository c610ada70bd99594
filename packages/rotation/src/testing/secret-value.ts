import { createSecretsManager, type SecretFields, type SecretValue } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'

/** The value as a manager returns it. */
export async function secretValue(value: string | SecretFields): Promise<SecretValue> {
  const secrets = createSecretsManager({ providers: [memoryProvider()] })
  await secrets.storeSecret('login', value)
  return secrets.getSecretValue('login')
}

/** The password of a value, in its field if it has fields; else the whole text. */
export function passwordIn(value: string | SecretFields): string {
  return typeof value === 'string' ? value : (value['password'] ?? '')
}
