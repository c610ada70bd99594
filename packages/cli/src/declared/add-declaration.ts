import { readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { jsonMembers } from '@finchat/secrets-core/provider'
import { exchangeText } from '../files/output-file.ts'
import { UsageError } from '../terminal/known-error.ts'
import { isDeclared } from '../config/declared-names.ts'
import { parseConfig } from '../config/parse-config.ts'
import { isProgram, parsedJson } from '../config/read-config.ts'

/** A change of the configuration file that is ready to be written. */
export interface NewDeclaration {
  readonly file: string
  readonly write: () => Promise<void>
}

/** Adds a secret to the file, which is otherwise left as it is written. Throws before anything is written. */
export function newDeclaration(name: string, given: string | undefined): NewDeclaration {
  if (given === undefined) throw new UsageError('there is no configuration file', 'make one by `finchat-secrets init`')
  if (isProgram(given))
    throw new UsageError(`${basename(given)} is a program`, `add ${JSON.stringify(name)}: {} under its "secrets" by hand`)
  const file = realpathSync(given) // a link stays one
  const shown = basename(given)
  checkedText(readFileSync(file, 'utf8'), name, shown)
  return { file: shown, write: async () => declare(file, name, shown) }
}

/** The file is read anew: while a value is typed, a person or another run may change it. */
async function declare(file: string, name: string, shown: string): Promise<void> {
  for (let isDone = false; !isDone;) {
    const former = readFileSync(file, 'utf8')
    const text = checkedText(former, name, shown)
    isDone = text === undefined || (await exchangeText(file, former, text))
  }
}

/** `undefined` if the text declares the name already. */
function checkedText(former: string, name: string, shown: string): string | undefined {
  const { secrets = {} } = parseConfig(parsedJson(former, shown), shown)
  if (isDeclared(name, secrets)) return undefined
  const text = withDeclaration(former, name)
  parseConfig(parsedJson(text, shown), shown)
  return text
}

/** The text of a configuration with one more secret at the end. */
export function withDeclaration(text: string, name: string): string {
  const mark = text.startsWith('\ufeff') ? 1 : 0
  const json = text.slice(mark)
  const entry = `${JSON.stringify(name)}: {}`
  const secrets = jsonMembers(json).findLast(({ key }) => key === 'secrets') // the last of equal keys counts
  if (secrets === undefined) return text.slice(0, mark) + withMember(json, `"secrets": { ${entry} }`)
  const { start, text: own } = secrets
  return text.slice(0, mark) + json.slice(0, start) + withMember(own, entry) + json.slice(start + own.length)
}

/** On a line of its own, and indented, where the first member is. */
function withMember(object: string, entry: string): string {
  const open = object.indexOf('{') + 1
  const last = jsonMembers(object).at(-1)
  if (last === undefined) return `${object.slice(0, open)} ${entry} ${object.slice(object.lastIndexOf('}'))}`
  const space = object.slice(open, open + object.slice(open).search(/\S/))
  const end = last.start + last.text.length
  return `${object.slice(0, end)},${space}${entry}${object.slice(end)}`
}
