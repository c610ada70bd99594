import { basename, dirname, resolve } from 'node:path'
import { hasCode, limiter, textOrBytes } from '@finchat/secrets-core/provider'
import type { SecretProvider, SecretsManager } from '@finchat/secrets-core'
import { jsonNames } from '../config/declared-names.ts'
import type { Settings } from '../config/load-config.ts'
import { aloneIn } from '../config/load-config.ts'
import { doubtOf, type Fallbacks, withFallbacks } from '../declared/fallbacks.ts'
import { loadPackage } from '../config/provider-packages.ts'
import { gitIn } from '../doctor/git.ts'
import { assertFree, writeOutput } from '../files/output-file.ts'
import { type Age, sealAge } from '../formats/age.ts'
import { type DocumentWriter, type Value, type Values, writeDocument } from '../formats/document.ts'
import { dotenvWriter } from '../formats/dotenv.ts'
import { type Format, formatOf, innerFormatOf } from '../formats/format.ts'
import { jsonWriter } from '../formats/json.ts'
import { kubernetesWriter } from '../formats/kubernetes.ts'
import { yamlWriter } from '../formats/yaml.ts'
import { counted } from '../terminal/counted.ts'
import { UsageError } from '../terminal/failure.ts'
import { note, operator, type Terminal } from '../terminal/terminal.ts'
import { wholeBytes } from '../transfer/content.ts'
import { byDeclaredName } from '../transfer/exported-names.ts'
import type { Wanted } from '../transfer/item.ts'
import { namesOfStores } from '../transfer/names-of-store.ts'
import { type CommandContext, type CommonFlags, explained, settingsOf, useManager } from '../commands/context.ts'

interface ExportFlags extends CommonFlags {
  readonly format?: string
  readonly output?: string
  readonly only?: readonly string[]
  readonly reveal?: boolean
  readonly force?: boolean
  readonly recipient?: readonly string[]
  readonly inner?: string
  readonly secretName?: string
}

const what = 'nothing was exported'

/** Writes secrets of the chain into a file that only its owner may read, or into a pipe. */
export default async function exportFile(context: CommandContext, flags: ExportFlags): Promise<void> {
  const { terminal } = context
  await explained(what, async () => {
    const file = flags.output === undefined ? undefined : resolve(terminal.cwd(), flags.output)
    const format = formatOf(flags.format, file)
    assertPossible(flags, format, file, terminal)
    const settings = await settingsOf(terminal, flags)
    const chosen = flags.provider === undefined ? settings : aloneIn(settings, flags.provider)
    const use = async (
      secrets: SecretsManager,
      _: unknown,
      __: unknown,
      providers: readonly SecretProvider[],
    ): Promise<readonly Exported[]> => readAll(secrets, providers, settings, flags.only)
    const { secrets: declared } = settings.config
    const read = byDeclaredName(await useManager(what, chosen, use, jsonNames(declared)), declared, flags.only)
    const values = new Map(read.map(({ name, value }) => [name, value]))
    const text = await textOf(values, format, flags, settings.folder)
    for (const { name, doubt } of read) if (doubt !== undefined) note(terminal, `warning: ${name}: ${doubt}`)
    if (file === undefined) {
      terminal.stdout.write(text)
      return
    }
    await writeOutput(file, text, { replace: flags.force === true })
    if (format !== 'age') await warnOfGit(file, terminal)
    if (flags.json) terminal.stdout.write(`${JSON.stringify({ format, names: [...values.keys()], ...outdated(read) })}\n`)
    else note(terminal, `${counted(values.size, 'secret is', 'secrets are')} written; only you may read the file`)
  })
}

/** What is committed stays in the history. */
async function warnOfGit(file: string, terminal: Terminal): Promise<void> {
  if (await gitIn(dirname(file), terminal.env).takes(file))
    note(terminal, `warning: git does not ignore ${basename(file)}, which holds secrets in plain text: add it to .gitignore`)
}

/** Before any secret is read. */
function assertPossible(flags: ExportFlags, format: Format, file: string | undefined, { stdout }: Terminal): void {
  const recipients = flags.recipient?.length ?? 0
  if (format === 'age' && recipients === 0)
    throw new UsageError('an age file needs a recipient', 'name one by --recipient age1…, again for several')
  if (format !== 'age' && recipients > 0) throw new UsageError(`${format} has no recipients`, 'leave --recipient out, or use --format age')
  if (file !== undefined) assertFree(file, flags.force === true)
  else if (stdout.isTTY && !flags.reveal && format !== 'age')
    throw new UsageError('stdout is a terminal, which would show the values', 'name a file by --output, or show them by --reveal')
}

/** A secret to write, and why its value may be outdated. */
interface Exported {
  readonly name: string
  readonly value: Value
  readonly degraded: boolean
  readonly stale: boolean
  readonly doubt: string | undefined
}

async function readAll(
  secrets: SecretsManager,
  providers: readonly SecretProvider[],
  settings: Settings,
  only: readonly string[] | undefined,
): Promise<readonly Exported[]> {
  const names = await namesOfStores(secrets, providers, settings, only)
  const limit = limiter(4)
  return withFallbacks(async (fallbacks) => {
    const read = names.map(async (wanted) => limit(async () => readOne(secrets, wanted, fallbacks)))
    return (await Promise.all(read)).filter((each) => each !== undefined)
  })
}

async function readOne(secrets: SecretsManager, { name, isRequired }: Wanted, fallbacks: Fallbacks): Promise<Exported | undefined> {
  try {
    const secret = await secrets.getSecretValue(name, { actor: operator() })
    const { degraded, stale } = secret
    const value = textOrBytes(wholeBytes(secret))
    return { name, value, degraded, stale, doubt: doubtOf(name, secret, fallbacks) }
  } catch (error) {
    if (!isRequired && hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function outdated(read: readonly Exported[]): { readonly degraded: readonly string[]; readonly stale: readonly string[] } {
  const names = (member: 'degraded' | 'stale'): string[] => read.filter((each) => each[member]).map(({ name }) => name)
  return { degraded: names('degraded'), stale: names('stale') }
}

async function textOf(values: Values, format: Format, { recipient = [], inner, secretName }: ExportFlags, folder: string): Promise<string> {
  if (format !== 'age') return writeDocument(values, format, writerOf(format, secretName))
  const innerFormat = innerFormatOf(inner)
  const text = writeDocument(values, innerFormat, writerOf(innerFormat, undefined))
  return sealAge(text, recipient, await loadPackage<Age>('age-encryption', 'Encrypter', folder))
}

function writerOf(format: Exclude<Format, 'age'>, secretName = 'finchat-secrets'): DocumentWriter {
  return format === 'k8s' ? kubernetesWriter(secretName) : { dotenv: dotenvWriter, json: jsonWriter, yaml: yamlWriter }[format]
}
