import type { DeclaredSecret } from '../config/config.ts'

/** The types of declared names, as a file of TypeScript. */
export function nameTypes(declared: Readonly<Record<string, DeclaredSecret>>): string {
  const names = Object.keys(declared).toSorted()
  const union = names.length === 0 ? ' never' : names.map((name) => `\n  | ${quoted(name)}`).join('')
  const variables = names.map(
    (name) => `      ${commentOf(declared[name])}${quoted(name)}${isRequired(declared[name]) ? '' : '?'}: string\n`,
  )
  return `// Made by \`finchat-secrets generate types\`: run it again when the configuration changes.
import type { LoadedConfig } from '@finchat/secrets-cli'

/** The names under "secrets" in the configuration. */
export type SecretName =${union}

type Manager = LoadedConfig['secrets']
type OfOneName = ${members.map((member) => `'${member}'`).join(' | ')}
type ForDeclared<Method> = Method extends (name: string, ...rest: infer Rest) => infer Result
  ? (name: SecretName, ...rest: Rest) => Result
  : never

/** The manager for the declared names: \`const secrets: DeclaredSecrets = (await loadConfig()).secrets\`. */
export type DeclaredSecrets = Omit<Manager, OfOneName> & { readonly [Member in OfOneName]: ForDeclared<Manager[Member]> }

declare global {
  namespace NodeJS {
    /** As \`finchat-secrets run\` sets them. */
    interface ProcessEnv {
${variables.join('')}    }
  }
}
`
}

/** The methods of a manager whose first argument is a name. */
const members = [
  'getSecret',
  'getSecretValue',
  'verifySecret',
  'storeSecret',
  'rotateSecret',
  'deleteSecret',
  'restoreSecret',
  'describeSecret',
]

/** A name has no quotes or backslashes, see `isValidName`. */
function quoted(name: string): string {
  return `'${name}'`
}

function isRequired({ required = true }: DeclaredSecret = {}): boolean {
  return required
}

/** A description must not end the comment that it stands in. */
function commentOf({ description }: DeclaredSecret = {}): string {
  return description === undefined ? '' : `/** ${description.replaceAll('*/', String.raw`*\/`)} */\n      `
}
