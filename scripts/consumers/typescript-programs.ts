// The programs that every TypeScript compiles: all names of all entries, by `import` and `require`.

/** The names that each entry exports, by what it is imported as. */
export type EntryNames = Readonly<Record<string, readonly string[]>>

/**
 * Imports every name, and is an error where one has the type `any`, as a name has whose types were
 * not found.
 */
export function importingProgram(entries: EntryNames): string {
  const imports = Object.entries(entries).map(([specifier, names], index) => {
    const renamed = names.map((name) => `${name} as ${name}${index}`)
    return `import { ${renamed.join(', ')} } from '${specifier}'`
  })
  const values = Object.values(entries).flatMap((names, index) => names.map((name) => `known(${name}${index})`))
  return `${imports.join('\n')}
type Known<T> = 0 extends 1 & T ? never : T
function known<T>(value: Known<T>): unknown {
  return value
}
const values = [${values.join(', ')}]
if (values.includes(undefined)) throw new Error('a name has a type and no value')
import { SecretsError } from '@finchat/secrets-core'
// @ts-expect-error a class is no number
export const wrong: number = SecretsError
`
}

/**
 * For a CommonJS file, behind the program above: what `require` and `import()` give is one module,
 * for the compiler and for Node.
 */
export const requiringProgram = `
import core = require('@finchat/secrets-core')
async function check(): Promise<void> {
  const imported = await import('@finchat/secrets-core')
  const provider: ReturnType<typeof imported.envProvider> = core.envProvider({ env: {} })
  const secrets = imported.createSecretsManager({ providers: [provider] })
  const error: unknown = await secrets.getSecret('absent').catch((reason: unknown) => reason)
  if (!(error instanceof SecretsError && error instanceof core.SecretsError)) throw new Error('there are two copies')
  await secrets.close()
}
void check()
`
