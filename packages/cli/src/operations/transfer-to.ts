import { SecretsError } from '@finchat/secrets-core/provider'
import { aloneIn, chainOf, type Settings } from '../config/load-config.ts'
import { loadManifest } from '../config/provider-packages.ts'
import { providerNames, storeChoice, storeNames } from '../config/settings.ts'
import { meantOr } from '../config/declared-names.ts'
import { forbiddenBy } from '../declared/planned-write.ts'
import { CommandError, UsageError } from '../terminal/failure.ts'
import { untilInterrupted } from '../transfer/interruption.ts'
import type { Item } from '../transfer/item.ts'
import { chainNames, type Chosen } from '../transfer/items-of-file.ts'
import { isPlain, nextSteps } from '../transfer/next-steps.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { exitCodeOfReport, printReport } from '../transfer/report.ts'
import type { Target } from '../transfer/target.ts'
import { transfer, type Transferred } from '../transfer/transfer.ts'
import { type CommandContext, useManager } from '../commands/context.ts'
import { operator } from '../terminal/terminal.ts'

export interface TransferFlags {
  readonly config?: string
  readonly json?: boolean
  readonly only?: readonly string[]
  readonly apply?: boolean
  readonly force?: boolean
}

export interface Transfer extends Chosen {
  readonly settings: Settings
  /** `env`, a provider, or a format and a file, such as `dotenv:.env`. */
  readonly from: string
  readonly to: string
  /** For the next steps: the command that was called, without the flags of all transfers. */
  readonly command: readonly string[]
}

/** Plans, or with `--apply` writes, what the source has, and reports it. */
export async function transferTo(context: CommandContext, flags: TransferFlags, given: Transfer): Promise<void> {
  const { terminal } = context
  const { from, to, settings, left, isAll } = given
  const isApplied = flags.apply === true
  const { rows, failed, isInterrupted } = await untilInterrupted(async (stop) => {
    const done = await transferred(context, flags, given, stop)
    return { ...done, isInterrupted: stop.aborted }
  })
  const leftovers = isPlain(from) ? placesOf(given.items, rows) : []
  const standing = { from, to, rows, leftovers, undeclared: undeclaredIn(rows, settings) }
  const next = nextSteps({ ...standing, command: commandOf(given, flags), chain: chainOf(settings.variables) })
  const report = { from, to, isApplied, isInterrupted, rows, left, isAll, next }
  await printReport(report, flags.json === true, terminal)
  if (failed !== undefined) throw new CommandError(`${failed.name} ${outcomeOf(failed.error)}, and no write began after that`, failed.error)
  context.process.exitCode = exitCodeOfReport(report)
}

function outcomeOf(error: unknown): string {
  const effect = SecretsError.isInstance(error) ? error.effect : undefined
  if (effect === undefined) return 'was not written'
  return effect === 'done' ? 'was written, but not verified' : 'may have been written'
}

async function transferred(
  { terminal }: CommandContext,
  { apply = false, force = false }: TransferFlags,
  { settings, items, from, to }: Transfer,
  stop: AbortSignal,
): Promise<Transferred> {
  const manifest = await loadManifest(to, settings.folder)
  const progress = new ProgressLine(terminal)
  const what = `nothing was moved from ${from} to ${to}`
  return useManager(what, aloneIn(settings, to), async (secrets, _, __, [provider]) => {
    if (provider?.put === undefined) throw new UsageError(`'${to}' cannot be written`, `name a store: ${storeChoice}`)
    const { secrets: declared = {} } = settings.config
    const forbids: Target['forbids'] = async (name, content) => forbiddenBy({ name }, content, declared)
    const target: Target = { secrets, provider, manifest, actor: operator(), forbids: force ? undefined : forbids }
    const onStep = (step: string, done: number, of: number): void => progress.show(() => `${step}: ${done} of ${of}`)
    return progress.during(async () => transfer(items, target, { isApplied: apply, isForced: force, stop, onStep }))
  })
}

/** Where the source still has what is at the target. */
function placesOf(items: readonly Item[], rows: Transferred['rows']): string[] {
  return items.filter((_, index) => isMoved(rows[index])).map(({ place }) => place)
}

/** It says the same again: without `--only` it would write more than was planned. */
function commandOf({ command }: Transfer, { config, only = [] }: TransferFlags): string {
  const words = [...command, ...(config === undefined ? [] : ['--config', config]), ...only.flatMap((name) => ['--only', name])]
  return words.map(shellWord).join(' ')
}

/** Names of what is at the target, which no declaration leads to. */
function undeclaredIn(rows: Transferred['rows'], { config: { secrets } }: Settings): string[] {
  const declared = chainNames(secrets)
  return [...new Set(rows.filter(isMoved).map(({ name }) => name))].filter((name) => !declared.has(name))
}

function isMoved(row: Transferred['rows'][number] | undefined): boolean {
  return row?.state === 'same' || row?.state === 'written'
}

/** The provider to write to. */
export function knownTarget(to: string): string {
  if (providerNames.some((name) => name === to)) return to
  throw new UsageError('--to names no provider', meantOr(to, storeNames, `use ${storeChoice}`))
}
