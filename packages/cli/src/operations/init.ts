import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import type { CredentialSource, ProviderName } from '../config/config.ts'
import { configFileName } from '../config/find-config.ts'
import { readableByAll, writeOutput } from '../files/output-file.ts'
import { type Choice, configOf, configText } from '../setup/config-text.ts'
import { firstSteps } from '../setup/first-steps.ts'
import { type FoundName, foundNames } from '../setup/found-names.ts'
import { addEntries, exposedFiles, keyFiles, missingEntries, repositoryOf } from '../setup/ignored-files.ts'
import { defaults, type KeyKind, questionsOn } from '../setup/questions.ts'
import { ensureKey, placeOfKey, type StoreKey } from '../setup/store-key.ts'
import { asCalled } from '../terminal/in-commands.ts'
import { UsageError } from '../terminal/failure.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import { type CommandContext, explained } from '../commands/context.ts'

interface InitFlags {
  readonly provider?: ProviderName
  readonly key?: KeyKind
  readonly keyName?: string
  readonly typescript?: boolean
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** What `init` writes, before it writes it. */
interface Plan {
  readonly folder: string
  readonly file: string
  readonly text: string
  readonly found: readonly FoundName[]
  readonly choice: Choice
  /** Where `.gitignore` is: the root of the repository, or without one this folder, for a later repository. */
  readonly root: string
  readonly ignored: readonly string[]
  /** `.env` files with secrets that git has. */
  readonly tracked: readonly string[]
}

/** Sets up a folder: what the application needs, where it is, and a key. */
export default async function init({ terminal }: CommandContext, flags: InitFlags): Promise<void> {
  await explained('nothing was set up', async () => {
    const plan = await planOf(terminal, flags)
    if (flags.dryRun) return showPlan(plan, terminal)
    const key = await carriedOut(plan, terminal.env, flags.force === true)
    if (flags.json) printJson(plan, key, terminal)
    else printReport(plan, key, terminal)
  })
}

async function planOf(terminal: Terminal, flags: InitFlags): Promise<Plan> {
  const folder = resolve(terminal.cwd())
  const file = flags.typescript ? configFileName.replace('.json', '.mts') : configFileName
  if (!flags.force && !flags.dryRun) refuseExisting(folder, file)
  const found = foundNames(folder)
  const choice = await choiceOf(terminal, flags, found)
  const root = repositoryOf(folder) ?? folder
  const exposed = await exposedFiles(filesWithSecrets(found, choice), folder, terminal.env)
  const secret = [...secretFiles(choice, folder), ...exposed.map((each) => join(folder, each.file))]
  return {
    folder,
    file,
    text: configText(configOf(choice, terminal.env), flags.typescript === true),
    found,
    choice,
    root,
    ignored: missingEntries(root, secret),
    tracked: exposed.filter(({ isTracked }) => isTracked).map((each) => each.file),
  }
}

/** The `.env` files that hold what was chosen as a secret. */
function filesWithSecrets(found: readonly FoundName[], { secrets }: Choice): readonly string[] {
  return [...new Set(found.filter(({ name }) => secrets.includes(name)).flatMap(({ filledIn }) => filledIn))].toSorted()
}

function refuseExisting(folder: string, file: string): void {
  if (existsSync(join(folder, file)))
    throw new UsageError(`${file} is there already`, 'run `finchat-secrets check` to see what it needs, or replace it by --force')
}

async function choiceOf(terminal: Terminal, flags: InitFlags, found: readonly FoundName[]): Promise<Choice> {
  const isAsked = terminal.stdin.isTTY && terminal.stderr.isTTY && !flags.yes && !flags.json
  const ask = isAsked ? questionsOn(terminal) : defaults
  const provider = flags.provider ?? (await ask.provider())
  if (provider !== 'local' && (flags.key !== undefined || flags.keyName !== undefined))
    throw new UsageError(`--key is for the local store, not for ${provider}`, 'leave it out, or choose --provider local')
  const kind = flags.key ?? (provider === 'local' ? await ask.key() : 'file')
  return { provider, key: placeOfKey(kind, flags.keyName, resolve(terminal.cwd())), secrets: await ask.secrets(found) }
}

/** Files that git must never take. */
function secretFiles({ provider, key }: Choice, folder: string): string[] {
  if (provider !== 'local') return []
  return [join(folder, '.secrets.db*'), ...('file' in key ? keyFiles(resolve(folder, key.file)) : [])]
}

/** The configuration comes last: without it, a second run goes on where this one ended. */
async function carriedOut(plan: Plan, env: Environment, isForced: boolean): Promise<StoreKey | undefined> {
  const { folder, file, text, choice, root, ignored } = plan
  addEntries(root, ignored)
  const key = choice.provider === 'local' ? await ensureKey(choice.key, folder, env) : undefined
  await writeOutput(join(folder, file), text, { replace: isForced, mode: readableByAll })
  return key
}

function showPlan(plan: Plan, terminal: Terminal): void {
  terminal.stdout.write(plan.text)
  noteFound(plan, terminal)
  if (plan.ignored.length > 0) note(terminal, `.gitignore would get ${plan.ignored.join(', ')}`)
  noteTracked(plan, terminal)
  note(terminal, 'nothing was written')
}

function noteFound({ found, choice }: Plan, terminal: Terminal): void {
  const lines = (kept: readonly FoundName[]): string[] => kept.map(({ name, places }) => `  ${name}  ${placesText(places)}`)
  const isChosen = ({ name }: FoundName): boolean => choice.secrets.includes(name)
  const [chosen, others] = [found.filter((each) => isChosen(each)), found.filter((each) => !isChosen(each))]
  if (found.length === 0)
    note(terminal, 'no variable was found in .env files or sources: declare what you need under "secrets", or by `set --declare`')
  if (chosen.length > 0) note(terminal, ['secrets:', ...lines(chosen)].join('\n'))
  if (others.length > 0) note(terminal, ['ordinary settings, which stay in the environment:', ...lines(others)].join('\n'))
}

const mostPlaces = 3

function placesText(places: readonly string[]): string {
  const more = places.length > mostPlaces ? `, and ${places.length - mostPlaces} more` : ''
  return `${places
    .slice(0, mostPlaces)
    .map((place) => visible(place))
    .join(', ')}${more}`
}

function printReport(plan: Plan, key: StoreKey | undefined, terminal: Terminal): void {
  noteFound(plan, terminal)
  if (plan.ignored.length > 0) note(terminal, `.gitignore has ${plan.ignored.join(', ')}`)
  noteTracked(plan, terminal)
  if (key !== undefined) noteKey(plan.choice.key, key, terminal)
  note(
    terminal,
    [`${plan.file} is written. Next:`, ...firstSteps(plan, terminal.env).map((step) => `  ${asCalled(step, terminal.env)}`)].join('\n'),
  )
}

/** An entry of `.gitignore` does nothing for a file that git has. */
function noteTracked({ tracked }: Plan, terminal: Terminal): void {
  for (const file of tracked)
    note(
      terminal,
      `warning: git tracks ${visible(file)}, which holds secrets: git rm --cached ${visible(shellWord(file))}, and rotate them, since the history keeps them`,
    )
}

function noteKey(place: CredentialSource, { isNew, shown }: StoreKey, terminal: Terminal): void {
  const where =
    'file' in place ? place.file : 'variable' in place ? `the variable ${place.variable}` : `the keychain entry ${place.keychain}`
  if (!isNew) note(terminal, `the key in ${where} is kept`)
  else if (shown === undefined) note(terminal, `a new key is in ${where}; without it the store cannot be read: back it up`)
  else note(terminal, `this key is shown once, on stdout; put it into ${where}, and back it up:`)
  if (shown !== undefined) terminal.stdout.write(`${shown}\n`)
}

function printJson({ file, found, choice, ignored, tracked }: Plan, key: StoreKey | undefined, { stdout }: Terminal): void {
  const { provider, secrets } = choice
  const places = found.map(({ name, places: at }) => ({ name, places: at, declared: secrets.includes(name) }))
  const kept = key === undefined ? undefined : { ...choice.key, new: key.isNew, value: key.shown }
  stdout.write(
    `${JSON.stringify({ file, provider, key: kept, found: places, gitignore: ignored, ...(tracked.length > 0 && { tracked }) })}\n`,
  )
}
