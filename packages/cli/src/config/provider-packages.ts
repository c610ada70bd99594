import { type AuditFromEnv, type ProviderFromEnv, type SecretsError } from '@finchat/secrets-core'
import { configurationError, loadOnUse, type ProviderManifest } from '@finchat/secrets-core/provider'
import type { OwnProviders, ProviderName } from './config.ts'
import { installCommand } from './install-command.ts'
import { inProject, isMissing, packageOfEntry } from './project-package.ts'

/** Where the factory of a provider, or of the audit trail, is: an entry, and its package. */
interface Source {
  readonly entry: string
  readonly name: string
}

const prefix = '@finchat/secrets-'
const entries: Readonly<Record<Exclude<ProviderName, 'env'> | 'audit', string>> = {
  local: 'provider-local',
  aws: 'provider-aws',
  ssm: 'provider-aws-ssm',
  vault: 'provider-vault',
  kubernetes: 'provider-kubernetes',
  mounted: 'provider-file',
  age: 'provider-file/age',
  sops: 'provider-file/sops',
  audit: 'audit',
}

/** Factories by the name of their provider; `audit` makes the trail. */
export interface Factories {
  readonly providers: Readonly<Record<string, ProviderFromEnv>>
  readonly audit: AuditFromEnv | undefined
}

/**
 * Loads the packages of these providers, and no other: first those of the project in `folder`, then
 * those installed beside this program. Throws `CONFIGURATION` with the command that installs what is
 * missing. An unknown name is left to the manager, which knows what a variable may name.
 */
export async function loadFactories(
  names: readonly string[],
  hasAudit: boolean,
  folder: string,
  own: OwnProviders = {},
): Promise<Factories> {
  const wanted = new Set([...names, ...(hasAudit ? ['audit'] : [])])
  const sources = [...wanted].flatMap((name) => {
    const source = sourceOf(name, own)
    return source === undefined ? [] : [[name, source] as const]
  })
  const loaded = await Promise.all(sources.map(async ([name, source]) => [name, await loadFactory(name, source, folder)] as const))
  const missing = sources.filter((_, index) => loaded[index]?.[1] === undefined)
  if (missing.length > 0) throw notInstalled(new Map(missing), folder)
  const factories = new Map(loaded)
  const audit = factories.get('audit') as AuditFromEnv | undefined // a function of its package
  factories.delete('audit')
  return { providers: Object.fromEntries(factories) as Record<string, ProviderFromEnv>, audit } // functions of theirs
}

function notInstalled(missing: ReadonlyMap<string, Source | ProviderFromEnv>, folder: string): SecretsError {
  const packages = [...new Set([...missing.values()].map(({ name }) => name))]
  const them = missing.size === 1 ? 'its package is not installed' : 'their packages are not installed'
  return configurationError(
    `the configuration names ${[...missing.keys()].join(', ')}, but ${them}`,
    `run: ${installCommand(packages, folder)}`,
  )
}

/** The package of this provider; `undefined` for one that needs none, or is not ours. */
export function packageOf(name: string): string | undefined {
  return ourSource(name)?.name
}

function ourSource(name: string): Source | undefined {
  return Object.hasOwn(entries, name) ? sourceAt(prefix + entries[name as keyof typeof entries]) : undefined // one of its keys
}

/** Where a provider's factory is, or the factory itself. */
function sourceOf(name: string, own: OwnProviders): Source | ProviderFromEnv | undefined {
  const given = Object.hasOwn(own, name) ? own[name] : undefined
  return typeof given === 'string' ? sourceAt(given) : (given ?? ourSource(name))
}

function sourceAt(entry: string): Source {
  return { entry, name: packageOfEntry(entry) }
}

/** `undefined` if the package is not installed. */
async function loadFactory(name: string, source: Source | ProviderFromEnv, folder: string): Promise<unknown> {
  if (typeof source === 'function') return source
  const factory = `${camelCase(name)}FromEnv`
  return (await loadOfProject(source, factory, folder))?.[factory]
}

function camelCase(name: string): string {
  return name.replaceAll(/-+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** What the store of a provider can hold; `undefined` if its package does not say. */
export async function loadManifest(name: string, folder: string): Promise<ProviderManifest | undefined> {
  const source = ourSource(name)
  if (source === undefined) return undefined
  const member = `${name}Manifest`
  return (await loadOfProject(source, member, folder).catch(() => undefined))?.[member] as ProviderManifest | undefined // its package's
}

/** Loads a package that a command needs. Throws `CONFIGURATION` with the command that installs it. */
export async function loadPackage<Module extends object = Exports>(
  entry: string,
  member: keyof Module & string,
  folder: string,
): Promise<Module> {
  const name = packageOfEntry(entry)
  const module = await loadOfProject({ entry, name }, member, folder)
  if (module !== undefined) return module as Module // by its name it is that package
  throw configurationError(`this needs ${name}, which is not installed`, `run: ${installCommand([name], folder)}`)
}

async function loadOfProject({ entry, name }: Source, member: string, folder: string): Promise<Exports | undefined> {
  const loaded = await loadOnUse(
    { what: name, name },
    async (): Promise<{ readonly module: Exports }> => ({
      module: (inProject(entry, folder)?.() as Exports | undefined) ?? (await import(entry)),
    }),
    'module',
  ).catch(unlessMissing)
  if (loaded === undefined || loaded.module[member] !== undefined) return loaded?.module
  throw configurationError(`${entry} exports no ${member}`, `install a version that has it: ${installCommand([`${name}@latest`], folder)}`)
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error
}

type Exports = Readonly<Record<string, unknown>>
