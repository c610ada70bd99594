import type { RemedyHints } from '../chain/fallback-policy.ts'

/** A provider, and the variables that it was made of. */
export interface MappedStore {
  readonly provider: string
  readonly asked: ReadonlySet<string>
}

/** What remedies say to who has variables alone, and no code to change. */
export function hintsOf(stores: readonly MappedStore[]): RemedyHints {
  const names = stores.flatMap((store) => variableOf(store, 'NAMES') ?? [])
  return {
    missing: (name) =>
      names.length === 0
        ? undefined
        : `if it is kept under another path, map it in ${names.join(' or ')}: ${name}=path or ${name}=path#field`,
    denied: (provider) => {
      const store = stores.find((each) => each.provider === provider)
      const only = store && variableOf(store, 'ONLY_NAMED')
      return only && `${only}=true asks ${provider} for nothing but ${variableOf(store, 'NAMES')}`
    },
  }
}

function variableOf({ asked }: MappedStore, option: string): string | undefined {
  return [...asked].find((variable) => variable.startsWith('FINCHAT_') && variable.endsWith(`_${option}`))
}
