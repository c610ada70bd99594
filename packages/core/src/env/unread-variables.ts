import type { Environment } from './env-provider.ts'
import { quoted } from '../errors/format.ts'
import { nearest } from '../errors/nearest.ts'
import { nearestInGroup } from './nearest-variable.ts'

export interface VariablesRead {
  readonly env: Environment
  readonly asked: ReadonlySet<string>
  readonly ours: ReadonlySet<string>
  readonly available: { readonly has: (name: string) => boolean }
  readonly chosen: ReadonlySet<string>
}

/** Warns of variables that look like settings and are not read. Shows names only. */
export function warnOfUnread(read: VariablesRead): void {
  for (const text of [...misspeltVariables(read), ...unusedVariables(read)])
    process.emitWarning(text, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_VARIABLES' })
}

/** What is set in the place of a setting: one line for each variable, with the right name. */
export function misspeltVariables({ env, asked, ours, chosen }: VariablesRead): string[] {
  const set = setIn(env).filter((name) => !asked.has(name))
  const groups = ['secrets', 'audit', ...[...ours].filter((name) => chosen.has(name))]
  const inGroups = groups.flatMap((group) => {
    const known = [...asked].filter((name) => isOf(group, name))
    // An application's own provider reads none of these variables.
    return known.length === 0 ? [] : set.filter((name) => isOf(group, name)).map((name) => unknownIn(known, name))
  })
  // Any other name may be a secret's, unless it is all but a setting's that is not set.
  const missing = [...asked].filter((name) => /^FINCHAT_(?!ENV_)/.test(name) && !env[name])
  const isInGroup = (name: string): boolean => ['secrets', 'audit', ...ours].some((group) => isOf(group, name))
  const slips = set.filter(mayBeSetting).flatMap((name) => (isInGroup(name) ? [] : slip(missing, name)))
  return [...inGroups, ...slips]
}

/**
 * Two edits leave one of the pairs in FINCHAT whole, at most two letters from its place. To compare
 * every variable of a shell with every setting takes 1 ms of a start.
 */
export function mayBeSetting(name: string): boolean {
  return /^.{0,2}fi|^.{0,4}nc|^.{2,6}ha/.test(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

function unknownIn(known: readonly string[], name: string): string {
  return `${quoted(name)} is not known: use ${nearestInGroup(name, known) ?? known.join(', ')}`
}

function slip(missing: readonly string[], name: string): string[] {
  const meant = nearest(name, missing)
  return meant === undefined ? [] : [`${quoted(name)} is no setting: if it is not a secret's name, use ${meant}`]
}

function unusedVariables({ env, ours, available, chosen }: VariablesRead): string[] {
  return [...ours]
    .filter((name) => available.has(name) && !chosen.has(name))
    .flatMap((group) => {
      const unused = setIn(env).filter((name) => isOf(group, name))
      const remedy = `name it in FINCHAT_SECRETS_PROVIDER or FINCHAT_SECRETS_FALLBACKS`
      return unused.length === 0 ? [] : [`${listed(unused)} set, but ${group} is asked nothing: ${remedy}`]
    })
}

function setIn(env: Environment): string[] {
  return Object.keys(env).filter((name) => Boolean(env[name]))
}

function isOf(group: string, variable: string): boolean {
  return variable.startsWith(`FINCHAT_${group.toUpperCase()}_`) || (group === 'local' && variable.startsWith('FINCHAT_ENCRYPTION_'))
}

function listed(variables: readonly string[]): string {
  return `${variables.map(quoted).join(', ')} ${variables.length === 1 ? 'is' : 'are'}`
}
