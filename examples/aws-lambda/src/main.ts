// `npm start`: bundles both functions, runs them as Lambda does, and rotates the secret during a freeze.
import { execSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { type Lambda, startLambda } from './lambda.ts'
import { startCountingProxy, startPartner, type StandIn } from './stand-ins.ts'

const prefix = `example-${randomBytes(4).toString('hex')}/`
const newToken = (): string => randomBytes(32).toString('base64url')
const fileOf = (name: string): string => fileURLToPath(new URL(`../dist/${name}.mjs`, import.meta.url))
const print = (what: string, result: string): void => console.log(`   ${what.padEnd(24)} ${result}`)

function bundle(): void {
  console.log('1  Bundle each function into one file')
  execSync('npm run --silent bundle', { stdio: 'inherit' })
  for (const name of ['handler', 'rotation']) print(`${name}.mjs`, `${Math.round(statSync(fileOf(name)).size / 1024)} KB`)
}

/** One invocation: its answer, its time, and how often it called AWS. */
async function show(what: string, lambda: Lambda, aws: StandIn, event: object = {}): Promise<void> {
  const before = aws.calls()
  const { answer, ms } = await lambda.invoke(event)
  const isRight = answer === 'done' || answer.includes('"statusCode":200')
  if (!isRight) process.exitCode = 1
  print(what, `${isRight ? 'ok' : answer}, ${Math.max(1, Math.round(ms))} ms, calls to AWS: ${aws.calls() - before}`)
}

/** False: the emulator begins no rotation. */
async function rotate(client: SecretsManager, aws: StandIn, env: NodeJS.ProcessEnv): Promise<boolean> {
  const SecretId = `${prefix}PARTNER_TOKEN`
  const RotationLambdaARN = 'arn:aws:lambda:eu-west-1:123456789012:function:rotation'
  const begun = await client.rotateSecret({ SecretId, RotationLambdaARN }).catch(() => undefined)
  if (begun === undefined) return false
  const rotation = await startLambda(fileOf('rotation'), env)
  // The four events that AWS sends: an emulator invokes no function.
  for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
    await show(Step, rotation, aws, { Step, SecretId, ClientRequestToken: begun.VersionId })
  rotation.stop()
  return true
}

async function playWith(client: SecretsManager, aws: StandIn, env: NodeJS.ProcessEnv): Promise<void> {
  console.log('\n2  A cold start, and a warm invocation')
  const lambda = await startLambda(fileOf('handler'), env)
  print('init', `${Math.round(lambda.initMs)} ms, calls to AWS: ${aws.calls()}`)
  await show('first invocation', lambda, aws)
  await show('second invocation', lambda, aws)

  console.log('\n3  Lambda freezes the function; AWS rotates its secret meanwhile')
  lambda.freeze()
  const isRotated = await rotate(client, aws, env)
  lambda.thaw()
  if (isRotated) {
    console.log('\n4  It thaws: the partner refuses the old token, the new one is read')
    await show('third invocation', lambda, aws)
    await show('fourth invocation', lambda, aws)
  } else print('not shown', 'this emulator cannot rotate: see README.md')
  lambda.stop()
}

async function play(endpoint: string): Promise<void> {
  const [token, adminToken] = [newToken(), newToken()]
  const [aws, partner] = [await startCountingProxy(endpoint), await startPartner(token, adminToken)]
  const credentials = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'example', AWS_SECRET_ACCESS_KEY: 'example' } // an emulator takes any
  Object.assign(process.env, credentials)
  const client = new SecretsManager({ endpoint })
  const values = { [`${prefix}PARTNER_TOKEN`]: token, [`${prefix}PARTNER_ADMIN_TOKEN`]: adminToken }
  try {
    for (const [Name, SecretString] of Object.entries(values)) await client.createSecret({ Name, SecretString })
    await playWith(client, aws, { ...credentials, AWS_ENDPOINT_URL: aws.url, PARTNER_URL: partner.url, SECRET_PREFIX: prefix })
  } finally {
    for (const SecretId of Object.keys(values)) await client.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
    aws.stop()
    partner.stop()
  }
}

const answers = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

const endpoint = process.env['AWS_ENDPOINT_URL']
if (endpoint === undefined || !(await answers(endpoint))) {
  const problem = endpoint === undefined ? 'Set AWS_ENDPOINT_URL to an emulator of AWS' : 'No emulator of AWS answers at AWS_ENDPOINT_URL'
  process.stderr.write(`${problem}: see README.md.\n`)
  process.exitCode = 1
} else {
  bundle()
  await play(endpoint)
}
