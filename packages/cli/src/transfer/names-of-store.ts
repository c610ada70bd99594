import { isValidName, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { commonPrefix, variablesThatMayBeSecrets, wantedAt } from './store-names.ts'
import type { Settings } from '../config/load-config.ts'
import { remoteNames } from '../config/settings.ts'
import { UsageError } from '../terminal/failure.ts'
import type { Wanted } from './item.ts'
import { chainNames } from './items-of-file.ts'
import { isGlob } from './name-glob.ts'
import { selectNames } from './select-names.ts'
import { operator } from '../terminal/terminal.ts'

/** The names to read: those that the configuration declares, or else all that the stores list. */
export async function namesOfStores(
  secrets: SecretsManager,
  providers: readonly SecretProvider[],
  { config, variables, env }: Settings,
  given: readonly string[] | undefined,
): Promise<readonly Wanted[]> {
  const only = given?.map((name) => nameInChain(name, config.secrets))
  const declared = declaredNames(config.secrets ?? {})
  if (declared.length > 0) return selectNames(declared, only)
  if (only !== undefined && !only.some(isGlob)) return selectNames([], only)
  if (providers.some(({ list }) => list !== undefined)) return selectNames(await listedNames(secrets, providers, variables), only)
  if (only !== undefined) return selectNames(variablesThatMayBeSecrets(env, config).map(wanted), only)
  throw new UsageError(
    'neither does the configuration declare secrets, nor can the provider list them',
    'list them under "secrets", or name them by --only',
  )
}

/**
 * Names of a source that the configuration does not declare, so that they are not moved. A server is not
 * asked, since its list may need a right of its own.
 */
export async function undeclaredAt(
  from: string,
  secrets: SecretsManager,
  providers: readonly SecretProvider[],
  { config, variables }: Settings,
): Promise<readonly string[]> {
  const declared = chainNames(config.secrets)
  if (declared.size === 0 || ['env', ...remoteNames].includes(from)) return []
  const listed = await listedNames(secrets, providers, variables).catch(() => []) // what is declared could be read
  return listed.map(({ name }) => name).filter((name) => isValidName(name) && !declared.has(name))
}

/** A declared name stands for its secret in the chain. */
function nameInChain(given: string, declared: Settings['config']['secrets'] = {}): string {
  const { name = given, field } = Object.hasOwn(declared, given) ? (declared[given] ?? {}) : {}
  if (field === undefined || name === given) return name
  throw new UsageError(`${given} is one field of a secret, and whole secrets are moved`, `name the whole secret: --only ${name}`)
}

const wanted = (name: string): Wanted => ({ name, isRequired: true })

/** A name is required if one of its declarations is. */
function declaredNames(declared: NonNullable<Settings['config']['secrets']>): readonly Wanted[] {
  const byName = Map.groupBy(Object.entries(declared), ([key, { name = key }]) => name)
  return [...byName].map(([name, all]) => ({ name, isRequired: all.some(([, { required = true }]) => required) }))
}

async function listedNames(
  secrets: SecretsManager,
  providers: readonly SecretProvider[],
  variables: Settings['variables'],
): Promise<readonly Wanted[]> {
  const names: string[] = []
  for (const provider of providers.filter(({ list }) => list !== undefined)) {
    const listed = secrets.listSecrets({ provider: provider.name, prefix: commonPrefix(provider, variables), actor: operator() })
    for await (const { path } of listed) names.push(...wantedAt(path, provider, variables))
  }
  return [...new Set(names)].map(wanted)
}
