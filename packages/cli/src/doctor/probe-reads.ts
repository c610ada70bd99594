import { SecretsError, type SecretRequest } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { prefixOf } from '../transfer/store-names.ts'
import { counted } from '../terminal/counted.ts'
import { failed, type Finding, notChecked, ok, warn } from './finding.ts'
import { type OpenStore, type Probing, rewording } from './open-store.ts'
import { withinLimit } from './time-limit.ts'

/** What was found out by reading, and a secret that is there. */
interface Readings {
  readonly findings: readonly Finding[]
  readonly found: string | undefined
}

/** Reads the declared secrets, the begin of the list, and the description of one secret. */
export async function probeReads(store: OpenStore, requests: readonly SecretRequest[], probing: Probing): Promise<readonly Finding[]> {
  const { findings, found } = await readAll(store, requests, probing)
  const list = store.provider.list === undefined ? [] : [await probeList(store, probing)]
  const versions = store.provider.describe === undefined ? [] : [await probeVersions(store, found, probing)]
  return [...findings, ...list, ...versions]
}

async function readAll({ secrets, provider }: OpenStore, requests: readonly SecretRequest[], probing: Probing): Promise<Readings> {
  if (requests.length === 0) return { findings: [noneDeclared()], found: undefined }
  const answers = await secrets.getSecretValues(requests, { actor: probing.actor })
  const read = answers.map((answer, index) => ({
    name: requests[index]?.name ?? '',
    error: answer.status === 'rejected' ? answer.reason : undefined,
  }))
  const here = read.filter(({ error }) => error === undefined)
  const absent = read.filter(({ error }) => isAbsent(error))
  const refused = read.filter(({ error }) => error !== undefined && !isAbsent(error))
  const missing = absent.length === 0 ? '' : `; not here: ${namesOf(absent)}`
  const several = provider.getMany === undefined || requests.length < 2 ? '' : ', in batches where the store allows it'
  const summary = ok('read', `${here.length} of ${counted(requests.length, 'declared secret')} can be read${several}${missing}`)
  return { findings: refused.length === 0 ? [summary] : refusals(refused, requests.length, probing), found: here[0]?.name }
}

function noneDeclared(): Finding {
  return notChecked('read', 'no secret is declared', 'list what the application needs under "secrets" in the configuration file')
}

function isAbsent(error: unknown): boolean {
  return hasCode(error, 'NOT_FOUND') || hasCode(error, 'DELETED')
}

interface Refused {
  readonly name: string
  readonly error: unknown
}

/** One finding for each code, with the names it concerns. */
function refusals(refused: readonly Refused[], of: number, { parts }: Probing): readonly Finding[] {
  const codeOf = ({ error }: Refused): string => (SecretsError.isInstance(error) ? error.code : 'INTERNAL')
  return [...Map.groupBy(refused, codeOf).values()].map((group) => {
    const finding = failed('read', group[0]?.error, rewording(parts))
    return {
      ...finding,
      finding: `${group.length} of ${counted(of, 'declared secret')} cannot be read (${namesOf(group)}): ${finding.finding}`,
    }
  })
}

const mostNames = 5

function namesOf(group: readonly Pick<Refused, 'name'>[]): string {
  const names = group.slice(0, mostNames).map(({ name }) => name)
  return `${names.join(', ')}${group.length > mostNames ? ' and others' : ''}`
}

async function probeList({ secrets, provider, variables }: OpenStore, { actor, parts }: Probing): Promise<Finding> {
  const prefix = prefixOf(provider.name, variables) || undefined
  const from = prefix === undefined ? '' : `, from ${prefix}`
  return lesser('list', parts, async () => {
    const begun = await withinLimit(async (signal) => {
      for await (const _ of secrets.listSecrets({ provider: provider.name, prefix, actor, signal })) return true
      return false
    })
    return begun ? `allowed${from}` : `allowed${from}; nothing is there`
  })
}

async function probeVersions({ secrets }: OpenStore, name: string | undefined, { actor, parts }: Probing): Promise<Finding> {
  if (name === undefined) return notChecked('versions', 'no declared secret is here')
  return lesser('versions', parts, async () => {
    await withinLimit((signal) => secrets.describeSecret(name, { actor, signal }))
    return 'allowed'
  })
}

/** Applications seldom need it, so a refusal is a warning. */
async function lesser(check: string, parts: Probing['parts'], probe: () => Promise<string>): Promise<Finding> {
  try {
    return ok(check, await probe())
  } catch (error) {
    const { finding, remedy = '', code } = failed(check, error, rewording(parts))
    if (code === 'UNSUPPORTED') return ok(check, 'this store has none')
    return { ...warn(check, finding, remedy), code }
  }
}
