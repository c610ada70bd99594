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
    own: (provider, remedy) => inVariables(remedy, stores.find((each) => each.provider === provider)?.asked ?? new Set()),
  }
}

/** A text with each option, such as `url` in backticks, as the variable that it is read from. */
export function inVariables(text: string, asked: ReadonlySet<string>): string {
  return text.replaceAll(/`([A-Za-z]+)`/g, (quotation, option: string) => {
    const ending = option.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
    return variableOf({ asked }, ending) ?? quotation
  })
}

function variableOf({ asked }: Pick<MappedStore, 'asked'>, option: string): string | undefined {
  return [...asked].find((variable) => variable.startsWith('FINCHAT_') && variable.endsWith(`_${option}`))
}
