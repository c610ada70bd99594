import { randomBytes, randomUUID } from 'node:crypto'
import type { AccessRight } from '@finchat/secrets-core/provider'
import { writingOf } from './files.ts'
import { failed, type Finding, notChecked, ok, warn } from './finding.ts'
import { type OpenStore, type Probing, rewording } from './open-store.ts'
import { withinLimit } from './time-limit.ts'

/** A store is asked for the rights at this many paths. */
const mostPaths = 20

/** What may be written, without writing, as far as the store tells. */
export async function probeAccess(store: OpenStore, paths: readonly string[], { parts }: Probing): Promise<Finding> {
  const { provider, variables } = store
  const check = 'write access'
  if (provider.name === 'local') return writingOf(variables['FINCHAT_LOCAL_PATH'] ?? '.secrets.db')
  if (provider.put === undefined) return ok(check, 'this store is read only')
  const { checkAccess } = provider
  if (checkAccess === undefined) return notChecked(check, 'this store cannot be asked without a write', 'run doctor --write')
  if (paths.length === 0) return notChecked(check, 'no secret is declared', 'list what the application needs under "secrets"')
  try {
    return accessFinding(await withinLimit((signal) => checkAccess(paths.slice(0, mostPaths), { signal })))
  } catch (error) {
    const { finding, remedy } = failed(check, error, rewording(parts))
    return notChecked(check, finding, remedy)
  }
}

/** These were tried. */
const tried: ReadonlySet<string> = new Set(['read', 'list', 'versions'])

/** No more rights than needed are good: so what is not allowed is no warning. */
function accessFinding(rights: readonly AccessRight[]): Finding {
  const untried = rights.filter(({ feature }) => !tried.has(feature))
  const denied = Map.groupBy(
    untried.filter(({ isAllowed }) => !isAllowed),
    ({ feature }) => feature,
  )
  const allowed = [...new Set(untried.map(({ feature }) => feature))].filter((feature) => !denied.has(feature))
  if (rights.some(({ isUnlimited }) => isUnlimited))
    return warn(
      'write access',
      'allowed: everything, since this is a root token',
      'give this process a token whose policy allows its secrets alone',
    )
  if (denied.size === 0) return ok('write access', `allowed: ${allowed.join(', ')}`)
  const granted = allowed.length === 0 ? '' : `allowed: ${allowed.join(', ')}; `
  const needed = [...denied].map(([feature, [first]]) => `${feature}: ${first?.right}`)
  return {
    ...ok('write access', `${granted}not allowed: ${[...denied.keys()].join(', ')}`),
    remedy: `only if this process needs it, allow ${needed.join('; ')}`,
  }
}

export function probeName(): string {
  return `finchat-doctor-${randomUUID()}`
}

/** Writes a probe secret, reads it back and deletes it for good. */
export async function probeWrite({ secrets, provider }: OpenStore, { parts, actor }: Probing, name: string): Promise<readonly Finding[]> {
  const check = 'write probe'
  if (provider.put === undefined || provider.delete === undefined) return [notChecked(check, 'this store is read only')]
  if (provider.locate?.(name) === undefined && provider.locate !== undefined)
    return [notChecked(check, 'the provider is asked for nothing but its names', 'switch onlyNamed off for this check')]
  const choice = { provider: provider.name, actor }
  const written = await attempt(check, parts, async () => {
    const value = randomBytes(32).toString('base64url')
    await secrets.storeSecret(name, value, choice)
    const isSame = await secrets.verifySecret(name, value, { actor })
    return isSame ? ok(check, `${name} was written and read back`) : differs(check, name)
  })
  const cleaned = await attempt('clean-up', parts, async () => {
    await secrets.deleteSecret(name, { ...choice, purge: true })
    return ok('clean-up', `${name} was deleted for good`)
  })
  return cleaned.status === 'ok'
    ? [written, cleaned]
    : [written, { ...cleaned, remedy: `see that ${name} is gone at '${provider.name}': ${cleaned.remedy}` }]
}

function differs(check: string, name: string): Finding {
  const finding = `${name} was written, and another value was read back`
  return { status: 'fail', check, finding, remedy: 'find out which process changes written values', code: 'INTEGRITY' }
}

async function attempt(check: string, parts: Probing['parts'], work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    return failed(check, error, rewording(parts))
  }
}
