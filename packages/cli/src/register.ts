// `node --import @finchat/secrets-cli/register app.js`: the declared secrets as `process.env.NAME`,
// before the first line of the application.
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { refuseOldNode } from './node/node-version.ts'
import { addToEnvironment } from './sealed/environment.ts'
import { isSealed, takeValues } from './sealed/take-values.ts'

/** Under which a worker thread finds the values of the thread that started it. */
const key = '@finchat/secrets-cli/register'
const reading = { what: 'the reading of secrets', name: '@finchat/secrets-cli' }
const inherited = getEnvironmentData(key)

const refused = refuseOldNode(process)
if (refused !== 0) process.exit(refused)

try {
  const values = inherited instanceof Uint8Array ? inherited : await ownValues()
  setEnvironmentData(key, values)
  addToEnvironment(process, values)
} catch (error) {
  const { refuseToStart } = await loadOnUse(reading, async () => import('./operations/register.ts'), 'refuseToStart')
  refuseToStart(error, process)
}

async function ownValues(): Promise<Uint8Array> {
  if (isSealed(process)) return takeValues(process)
  const { readValues } = await loadOnUse(reading, async () => import('./operations/register.ts'), 'readValues')
  return readValues(process)
}
