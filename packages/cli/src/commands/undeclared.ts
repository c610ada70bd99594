import { assertVariableName } from '../child/variables.ts'
import { type NewDeclaration, newDeclaration } from '../declared/add-declaration.ts'
import type { DeclaredSecret } from '../config/config.ts'
import { declarationOf, isDeclared, meantName } from '../config/declared-names.ts'
import type { Settings } from '../config/load-config.ts'
import { UsageError } from '../terminal/failure.ts'
import { note, type Terminal } from '../terminal/terminal.ts'

type Declarations = Readonly<Record<string, DeclaredSecret>>

/** A secret that is written, or one field of it. */
interface Written {
  readonly name: string
  readonly field: string | undefined
}

/** What `--declare` adds to the configuration file; nothing if the name is declared already. */
export function declarationFor({ name, field }: Written, declared: Declarations, { file }: Settings): NewDeclaration | undefined {
  if (isDeclared(name, declared)) return undefined
  if (field !== undefined)
    throw new UsageError('--declare is for whole secrets', `leave it out, and add ${declarationOf(name, field)} under "secrets"`)
  assertVariableName(name)
  return newDeclaration(name, file)
}

/** Where secrets are declared, `check` and `run` read no others. */
export function warnOfUndeclared({ name, field }: Written, declared: Declarations, terminal: Terminal): void {
  if (Object.keys(declared).length === 0 || isDeclared(name, declared)) return
  const meant = meantName(name, declared)
  const doubt = meant === undefined ? ':' : `: did you mean ${meant}? If not:`
  const add = `add ${declarationOf(name, field)} under "secrets"${field === undefined ? ', or give --declare' : ''}`
  note(terminal, `warning: ${name} is not declared, so run does not give it${doubt} ${add}`)
}
