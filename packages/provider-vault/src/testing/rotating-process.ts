import { createSecretsManager, SecretsError } from '@finchat/secrets-core'
import { tokenAuth } from '../auth/token.ts'
import { vaultProvider } from '../vault-provider.ts'

/*
 * `node rotating-process.ts URL MOUNT TOKEN PATH NAME` rotates a secret to each version that its
 * parent sends. It answers `done`, or the code of the error.
 */
const [url = '', mount = '', credential = '', path = '', name = ''] = process.argv.slice(2)
const secrets = createSecretsManager({ providers: [vaultProvider({ url, mount, auth: tokenAuth(credential) })] })

async function rotate(version: number): Promise<string> {
  try {
    await secrets.rotateSecret(path, `${version} of ${name}`, { version })
    return 'done'
  } catch (error) {
    return SecretsError.isInstance(error) ? error.code : String(error)
  }
}

process.on('message', (version) => void rotate(Number(version)).then((outcome) => process.send?.(outcome)))
