import type { ProviderName } from '../config/config.ts'
import { ask } from '../terminal/prompts.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import type { FoundName } from './found-names.ts'

export type KeyKind = 'file' | 'variable' | 'keychain'

/** What a person is asked, each with its default. */
export interface Questions {
  readonly provider: () => Promise<ProviderName>
  readonly key: () => Promise<KeyKind>
  readonly secrets: (found: readonly FoundName[]) => Promise<readonly string[]>
}

const stores: readonly (readonly [ProviderName, string])[] = [
  ['local', 'an encrypted file beside the application'],
  ['vault', 'Vault or OpenBao'],
  ['aws', 'AWS Secrets Manager'],
  ['ssm', 'AWS Parameter Store'],
  ['kubernetes', 'Kubernetes Secrets'],
  ['mounted', 'files of a folder, such as /run/secrets'],
  ['age', 'files encrypted by age'],
  ['sops', 'a file of SOPS'],
  ['env', 'environment variables alone'],
]

const keys: readonly (readonly [KeyKind, string])[] = [
  ['file', 'a file of mode 0600, which git ignores'],
  ['variable', 'a variable: you see the key once'],
  ['keychain', 'the keychain of this machine'],
]

/** Asked on a terminal. A list of clack has the values of its options. */
export function questionsOn(terminal: Terminal): Questions {
  const choose = async <T extends string>(message: string, options: readonly (readonly [T, string])[]): Promise<T> => {
    const listed = options.map(([value, label]) => ({ value: value as string, label: `${value}: ${label}` }))
    return (await ask(terminal, ({ select }, place) => select({ message, options: listed, ...place }))) as T // one of the values
  }
  return {
    provider: () => choose('Where are the secrets to be?', stores),
    key: () => choose('Where is the key of the store to be?', keys),
    secrets: async (found) => {
      const options = found.map(({ name, places }) => ({ value: name, label: name, hint: visible(places[0] ?? '') }))
      const initialValues = found.filter(({ isSecret }) => isSecret).map(({ name }) => name)
      const message = 'Which of these does the application need as secrets? (space changes, Enter goes on)'
      if (options.length === 0) return []
      return ask(terminal, ({ multiselect }, place) => multiselect({ message, options, initialValues, required: false, ...place }))
    },
  }
}

/** Without a terminal, or by --yes. */
export const defaults: Questions = {
  provider: async () => 'local',
  key: async () => 'file',
  secrets: async (found) => found.filter(({ isSecret }) => isSecret).map(({ name }) => name),
}
