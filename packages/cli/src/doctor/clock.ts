import { type Environment, SecretsError } from '@finchat/secrets-core'
import { HttpClients, serverUrl, type ServerTls } from '@finchat/secrets-core/http'
import { type Finding, notChecked, ok, warn } from './finding.ts'
import { withinLimit } from './time-limit.ts'

/** A page of a store that needs no credential, and tells the time. */
interface Place {
  readonly url: string
  readonly path: string
  readonly tls?: ServerTls
}

/** Tokens, leases and audit records then have wrong times; AWS refuses signatures 5 minutes off (IAM user guide). */
const mostSkewMs = 30_000
/** `Date` is in whole seconds, cut off. */
const meanOfSecondMs = 500

/** Compares our clock with the `Date` of an answer of the store. No credential is sent. */
export async function probeClock(name: string, variables: Environment): Promise<readonly Finding[]> {
  const place = placeOf(name, variables)
  if (place === undefined) return Object.hasOwn(places, name) ? [notChecked('clock', 'the address of the store is not known')] : []
  try {
    return [await withinLimit((signal) => comparedWith(place, signal))]
  } catch (error) {
    const why = SecretsError.isInstance(error) && error.code === 'CONFIGURATION' ? error.problem : 'the store did not tell its time'
    return [notChecked('clock', why)]
  }
}

async function comparedWith({ url, path, tls = {} }: Place, signal: AbortSignal): Promise<Finding> {
  const server = serverUrl(url, 'a server', true)
  const clients = new HttpClients('store', server, tls)
  try {
    const client = await clients.opened(signal)
    const began = Date.now()
    const { headers } = await client.send({ method: 'GET', path: server.basePath + path, headers: {} }, signal)
    return skewFinding(Date.parse(headers.date ?? '') + meanOfSecondMs, (began + Date.now()) / 2)
  } finally {
    clients.close()
  }
}

/** By epoch milliseconds of the store and of this machine. */
export function skewFinding(theirs: number, ours: number): Finding {
  if (!Number.isFinite(theirs)) return notChecked('clock', 'the answer has no date')
  const seconds = Math.round(Math.abs(theirs - ours) / 1_000)
  const way = ours > theirs ? 'ahead of' : 'behind'
  if (seconds * 1_000 <= mostSkewMs) return ok('clock', 'the clock agrees with that of the store')
  return warn(
    'clock',
    `the clock is ${seconds} s ${way} that of the store: AWS refuses requests from 300 s`,
    'let NTP set the clock: timedatectl set-ntp true',
  )
}

const places: Readonly<Record<string, (variables: Environment) => Place | undefined>> = {
  vault: ({ FINCHAT_VAULT_URL: url }) => (url ? { url, path: '/v1/sys/health?standbyok=true' } : undefined),
  kubernetes: (variables) => kubernetesPlace(variables),
  aws: (variables) => awsPlace('secretsmanager', variables['FINCHAT_AWS_REGION'] || regionOf(variables) || 'us-east-1', variables),
  ssm: (variables) => awsPlace('ssm', variables['FINCHAT_SSM_REGION'] || regionOf(variables), variables),
}

function placeOf(name: string, variables: Environment): Place | undefined {
  return Object.hasOwn(places, name) ? places[name]?.(variables) : undefined
}

function kubernetesPlace({ FINCHAT_KUBERNETES_URL: given, FINCHAT_KUBERNETES_CA_FILE: ca, ...env }: Environment): Place | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env
  const url = given || (host ? `https://${host.includes(':') ? `[${host}]` : host}:${port}` : undefined)
  const file = ca || (given ? undefined : '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')
  return url === undefined ? undefined : { url, path: '/readyz', tls: file === undefined ? {} : { ca: { file } } }
}

function regionOf({ AWS_REGION: region, AWS_DEFAULT_REGION: other }: Environment): string | undefined {
  return region || other || undefined
}

function awsPlace(service: 'secretsmanager' | 'ssm', region: string | undefined, env: Environment): Place | undefined {
  const own = env[service === 'ssm' ? 'AWS_ENDPOINT_URL_SSM' : 'AWS_ENDPOINT_URL_SECRETS_MANAGER']
  const configured = own || env['AWS_ENDPOINT_URL']
  if (configured) return { url: configured, path: '/' }
  if (region === undefined || !/^[a-z0-9-]+$/.test(region)) return undefined
  return { url: `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`, path: '/' }
}
