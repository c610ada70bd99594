// `npm start`: tsc compiles to CommonJS, and Node.js runs it.
import { readFileSync } from 'node:fs'
import { SecretsError } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { loadSettings, openSecrets } from './secrets.js'

async function main(): Promise<void> {
  const compiled = readFileSync(__filename, 'utf8')
  console.log(`compiled: ${compiled.match(/require\("@finchat\/secrets-core"\)/)?.[0]}`)
  console.log(`loaded:   ${require.resolve('@finchat/secrets-core').split(/[\\/]/).slice(-2).join('/')}`)

  const secrets = openSecrets(localProvider({ path: ':memory:', key: generateKey() }))
  try {
    await secrets.storeSecret('DATABASE', JSON.stringify({ user: 'orders', password: 'correct-horse' }))
    const { user, password } = await loadSettings(secrets)
    console.log(`settings: ${user}, a password of ${password.length} characters`)
    console.log(`verified: ${(await secrets.verifySecret('DATABASE', 'guess')) ? 'yes' : 'no, a guess is refused'}`)
    await secrets.getSecret('NO_SUCH_SECRET')
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    console.log(`error:    ${error.code}, an instance of SecretsError`)
  } finally {
    await secrets.close()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
