import type { Environment, SecretRequest } from '@finchat/secrets-core'
import { readCredential } from '@finchat/secrets-core/provider'
import { mappedNames } from '../transfer/store-names.ts'
import { remoteNames } from '../config/settings.ts'
import { probeClock } from './clock.ts'
import { costFinding } from './cost.ts'
import { failed, type Finding, notChecked, ok, type Section } from './finding.ts'
import { probeKey } from './key-strength.ts'
import { openStore, type OpenStore, type Probing, rewording } from './open-store.ts'
import { probeReads } from './probe-reads.ts'
import { probeAccess, probeWrite } from './probe-writes.ts'
import { withinLimit } from './time-limit.ts'

const remote: ReadonlySet<string> = new Set(remoteNames)
const defaultTtlSeconds = '300'

/** Everything about one provider. `probeName` is the secret that `--write` writes. */
export async function probeStore(name: string, probing: Probing, probeName: string): Promise<Section> {
  const { parts } = probing
  let store: OpenStore
  try {
    store = await withinLimit(() => openStore(name, probing))
  } catch (error) {
    return { name, findings: [failed('configuration', error, rewording(parts))] }
  }
  try {
    const configuration = ok('configuration', 'the settings are complete')
    const [asked, clock] = await Promise.all([askStore(name, store, probing, probeName), probeClock(name, store.variables)])
    return {
      name,
      findings: [configuration, ...(await keyFindings(name, store.variables)), ...asked, ...clock, ...costs(name, store, probing)],
    }
  } finally {
    await withinLimit(() => store.secrets.close()).catch(() => undefined) // what was found is told all the same
  }
}

async function keyFindings(name: string, variables: Environment): Promise<readonly Finding[]> {
  return name === 'local' ? [await probeKey(await keyIn(variables))] : []
}

/** Empty if it is gone since the store was made. */
async function keyIn({ FINCHAT_ENCRYPTION_KEY: key = '', FINCHAT_ENCRYPTION_KEY_FILE: file }: Environment): Promise<string> {
  if (!file) return key
  return withinLimit((signal) => readCredential({ file }, 'the encryption key', signal)).catch(() => '')
}

async function askStore(name: string, store: OpenStore, probing: Probing, probeName: string): Promise<readonly Finding[]> {
  const reached = remote.has(name) ? await probeRemote(store, probing) : await probeOpening(store, probing)
  if (reached.some(({ status }) => status === 'fail')) return [...reached, notChecked('read', 'the store cannot be asked')]
  if (probing.audit === undefined)
    return [...reached, notChecked('read', 'the audit trail does not work: no secret is read without a record')]
  const requests = requestsTo(store, probing)
  return [
    ...reached,
    ...(await probeReads(store, requests, probing)),
    ...(await writesOf(store, pathsOf(store, requests), probing, probeName)),
    watching(store),
  ]
}

/** A store that cannot be asked for rights is tried, if that is wanted. */
async function writesOf(store: OpenStore, paths: readonly string[], probing: Probing, probeName: string): Promise<readonly Finding[]> {
  const access = await probeAccess(store, paths, probing)
  if (!probing.write) return [access]
  return [...(access.status === 'not checked' ? [] : [access]), ...(await probeWrite(store, probing, probeName))]
}

/** A refusal of the credential proves that the store is reachable. */
async function probeRemote({ provider }: OpenStore, { parts }: Probing): Promise<readonly Finding[]> {
  const startedAt = performance.now()
  try {
    await withinLimit(async (signal) => provider.checkHealth?.({ signal }))
    const answered = ok('reachable', `it answers in ${Math.round(performance.now() - startedAt)} ms`)
    return [answered, ok('authentication', 'the credential is accepted')]
  } catch (error) {
    const reached = failed('reachable', error, rewording(parts))
    if (reached.code === 'UNAUTHENTICATED') return [ok('reachable', 'it answers'), { ...reached, check: 'authentication' }]
    if (reached.code === 'CREDENTIALS_MISSING') return [{ ...reached, check: 'authentication' }]
    return [reached]
  }
}

async function probeOpening({ provider }: OpenStore, { parts }: Probing): Promise<readonly Finding[]> {
  if (provider.checkHealth === undefined) return []
  const { checkHealth } = provider
  try {
    await withinLimit((signal) => checkHealth({ signal }))
    return [ok('open', 'the store opens')]
  } catch (error) {
    return [failed('open', error, rewording(parts))]
  }
}

/** The declared secrets, or without a file the names in a variable, as far as this provider has a place for them. */
function requestsTo({ provider, variables }: OpenStore, { parts }: Probing): readonly SecretRequest[] {
  const declared = Object.entries(parts.config.secrets ?? {}).map(([key, { name = key, field }]) => ({ name, field }))
  const mapped = mappedNames(provider.name, variables).map((name) => ({ name, field: undefined }))
  const requests = declared.length > 0 ? declared : mapped
  return requests.filter(({ name }) => provider.locate === undefined || provider.locate(name) !== undefined)
}

function pathsOf({ provider }: OpenStore, requests: readonly SecretRequest[]): readonly string[] {
  return [...new Set(requests.map(({ name }) => provider.locate?.(name)?.path ?? name))]
}

function watching({ provider: { changes } }: OpenStore): Finding {
  return ok('watch', changes === undefined ? 'changes are found by asking again' : 'the store announces changes')
}

function costs(name: string, store: OpenStore, probing: Probing): readonly Finding[] {
  if (!remote.has(name)) return []
  const ttlSeconds = Number(store.variables['FINCHAT_SECRETS_CACHE_TTL'] || defaultTtlSeconds)
  const secrets = pathsOf(store, requestsTo(store, probing)).length
  return [costFinding(name, { processes: probing.processes, secrets, ttlSeconds })]
}
