// To copy: one manager for the server. A component of the browser that imports this file fails the build.
import 'server-only'
import { secretsManagerFromEnv, type SecretsManager } from '@finchat/secrets-core'
import { localFromEnv } from '@finchat/secrets-provider-local'

const held = globalThis as typeof globalThis & { secrets?: SecretsManager }

/** Made at the first use, so that the build needs no secret. Kept when `next dev` loads this file again. */
export function secrets(): SecretsManager {
  held.secrets ??= secretsManagerFromEnv({ local: localFromEnv })
  return held.secrets
}
