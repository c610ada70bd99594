import type { Generate } from '@finchat/secrets-rotation'
import type { SecretsManager } from '@finchat/secrets-core'
import type { RotationConfig } from '../config/config.ts'
import { meantName } from '../config/declared-names.ts'
import type { Settings } from '../config/load-config.ts'
import { exitCodeOfDue, printDue, rotateAllDue } from '../rotation/due.ts'
import { allowedBy, policiesOf, prepare, type Prepared } from '../rotation/policy.ts'
import { shownBy } from '../rotation/progress.ts'
import { loadRotation, type RotationKit } from '../rotation/project.ts'
import { exitCodeOfRetirement, printRetirement } from '../rotation/retire.ts'
import { discardStaged, printDiscarded } from '../rotation/discard.ts'
import { printRotation, rotateOne } from '../rotation/rotate-one.ts'
import { rotatedAliases, type RotatedSecret, rotatedSecret } from '../rotation/rotated-secret.ts'
import { deadlineMs, type RotationCall } from '../rotation/rotation-call.ts'
import { exitCodeOfStatus, printStatus, statusOf } from '../rotation/status.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { assertConfirmed } from '../terminal/prompts.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { note, operator } from '../terminal/terminal.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { type CommandContext, type CommonFlags, explained, settingsOf, useManager } from '../commands/context.ts'

interface RotateFlags extends Pick<CommonFlags, 'config' | 'json'> {
  readonly due?: boolean
  readonly status?: boolean
  readonly retire?: boolean
  readonly discard?: boolean
  readonly yes?: boolean
  readonly generate?: 'token' | 'password' | 'uuid' | 'keyPair'
  readonly length?: number
  readonly bytes?: number
  readonly valueFromStdin?: boolean
  readonly grace?: string
  readonly force?: boolean
  readonly whenUnused?: boolean
}

/** What one call of the command works with. */
interface Work {
  readonly context: CommandContext
  readonly flags: RotateFlags
  readonly kit: RotationKit
  readonly secrets: SecretsManager
  readonly settings: Settings
  /** Its deadline begins then: a person may take long at a prompt. */
  readonly startCall: () => RotationCall
  readonly progress: ProgressLine
  readonly asJson: boolean
}

/** Gives a secret a new value in the store and at its target, or all that are due. */
export default async function rotate(context: CommandContext, flags: RotateFlags, name?: string): Promise<void> {
  const what = flags.status
    ? `the rotation of ${name ?? 'a secret'} could not be read`
    : name === undefined
      ? 'not every due secret was rotated'
      : `${name} was not rotated`
  context.process.exitCode = await explained(what, async () => {
    assertOneMode(flags, name)
    const settings = await settingsOf(context.terminal, flags)
    const rotated = (name === undefined ? Object.keys(settings.config.rotation ?? {}) : [name]).map((each) =>
      rotatedSecret(each, settings.config),
    )
    const use = async (secrets: SecretsManager): Promise<number> => {
      const [only] = rotated
      if (flags.discard && only !== undefined) return runDiscard(context, flags, only, secrets)
      const kit = await loadRotation(settings)
      const progress = new ProgressLine(context.terminal)
      const startCall = (): RotationCall => ({ actor: operator(), onState: shownBy(progress), signal: AbortSignal.timeout(deadlineMs) })
      return run({ context, flags, kit, secrets, settings, startCall, progress, asJson: flags.json === true }, name)
    }
    return useManager(what, settings, use, rotatedAliases(rotated))
  })
}

function assertOneMode(
  { due, status, retire, discard, generate, length, bytes, valueFromStdin }: RotateFlags,
  name: string | undefined,
): void {
  const modes = [due, status, retire, discard].filter(Boolean).length
  if (modes > 1) throw new UsageError('--due, --status, --retire and --discard exclude each other', 'give one of them')
  if ((name === undefined) !== (due === true)) throw new UsageError('it is not clear what to rotate', 'give the name of a secret, or --due')
  if (modes > 0 && (generate ?? valueFromStdin) !== undefined)
    throw new UsageError('a new value is made by `rotate NAME` alone', 'leave out --generate and --value-from-stdin')
  if (generate !== undefined && valueFromStdin)
    throw new UsageError('the new value is made in two ways', 'give --generate or --value-from-stdin')
  if (length !== undefined && generate !== 'password') throw new UsageError('--length is of passwords', 'add --generate password')
  if (bytes !== undefined && generate !== 'token') throw new UsageError('--bytes is of tokens', 'add --generate token')
}

/** A rotation that goes on is finished instead, unless its target cannot have the value. */
async function runDiscard(
  { terminal }: CommandContext,
  { force, yes, json = false }: RotateFlags,
  { name, config }: RotatedSecret,
  secrets: SecretsManager,
): Promise<number> {
  if (hasTarget(config) && !force)
    throw new UsageError(
      'its target may have the staged value already',
      `finish the rotation by finchat-secrets rotate ${shellWord(name)}; if the target has the current value, give --force`,
    )
  if (!yes) await assertConfirmed(terminal, `Discard the version that is staged for ${name}?`)
  printDiscarded(name, await discardStaged(secrets, name, operator()), json, terminal)
  return exitCodes.ok
}

/** Returns the exit code. */
async function run(work: Work, given: string | undefined): Promise<number> {
  if (given === undefined) return runDue(work)
  const { flags, kit, settings } = work
  const rotated = rotatedSecret(given, settings.config)
  const { name, config, member } = rotated
  const isAllowed = flags.force ? undefined : allowedBy(rotated, settings.config)
  const prepared = await prepare(kit, member, configOf(work, given, config), settings, isAllowed)
  if (flags.status) return runStatus(work, name, prepared)
  return flags.retire ? runRetire(work, name, prepared) : runRotate(work, name, prepared)
}

async function runDue({ settings, context, kit, secrets, startCall, progress, asJson }: Work): Promise<number> {
  const due = await policiesOf(kit, settings.config, settings)
  for (const [name, policy] of Object.entries(due.policies)) warnOfNoFormer(name, policy, context)
  const reports = await progress.during(async () => rotateAllDue(kit, secrets, due, startCall()))
  await printDue(reports, asJson, context.terminal)
  return exitCodeOfDue(reports)
}

async function runStatus({ settings, context, kit, secrets, startCall, asJson }: Work, name: string, prepared: Prepared): Promise<number> {
  const auditFolder = settings.variables['FINCHAT_AUDIT_FOLDER'] || undefined
  const status = await statusOf(kit, secrets, name, { ...prepared, ...startCall(), auditFolder, project: settings })
  await printStatus(name, status, asJson, context.terminal)
  return exitCodeOfStatus(status)
}

async function runRetire(work: Work, name: string, { target, graceSeconds, whenUnused }: Prepared): Promise<number> {
  const { context, flags, kit, secrets, startCall, progress, asJson } = work
  const options = { target, graceSeconds, whenUnused, force: flags.force === true, ...startCall() }
  const retirement = await progress.during(async () => kit.retirePrevious(secrets, name, options))
  printRetirement(name, retirement, asJson, context.terminal)
  return exitCodeOfRetirement(retirement)
}

async function runRotate(work: Work, name: string, prepared: Prepared): Promise<number> {
  const { context, flags, kit, secrets, startCall, progress, asJson } = work
  assertKeepsFormer(flags, prepared)
  warnOfNoFormer(name, prepared, context)
  const given = flags.valueFromStdin ? await givenValue(work, name) : undefined
  const one = { ...startCall(), prepared, force: flags.force === true, given }
  printRotation(name, await progress.during(async () => rotateOne(kit, secrets, name, one)), asJson, context.terminal)
  return exitCodes.ok
}

/** A name that is not in the configuration may be misspelt. */
function assertConfigured({ flags, settings: { config } }: Work, name: string, configured: RotationConfig | undefined): void {
  const known = { ...Object.fromEntries(Object.keys(config.rotation ?? {}).map((each) => [each, {}])), ...config.secrets }
  const meant = meantName(name, known)
  const refuse = (problem: string, remedy: string): never => {
    throw new UsageError(problem, meant === undefined ? remedy : `did you mean ${meant}?`)
  }
  if (configured === undefined && flags.generate === undefined && !flags.valueFromStdin && !flags.status && !flags.retire)
    refuse('nothing says how the new value is made', 'give --generate or --value-from-stdin, or configure "rotation"')
  if (flags.retire && !hasTarget(configured))
    refuse('the configuration names no target that keeps a former value', 'set "target" under "rotation" in the configuration file')
}

/** Flags go over the configuration. */
function configOf(work: Work, name: string, configured: RotationConfig | undefined): RotationConfig {
  assertConfigured(work, name, configured)
  const { flags, kit } = work
  const { generate: kind, grace, length, bytes, whenUnused } = flags
  return {
    ...configured,
    ...(kind !== undefined && {
      generate: { kind, ...(length !== undefined && { length }), ...(bytes !== undefined && { bytes }) },
    }),
    ...(grace !== undefined && { graceSeconds: secondsOf(kit, grace) }),
    ...(whenUnused && { whenUnused }),
  }
}

/** Without a former value at the target there is nothing that a grace period, or its users, could keep. */
function assertKeepsFormer({ grace, whenUnused }: RotateFlags, { target, graceSeconds }: Prepared): void {
  const flag = grace !== undefined && graceSeconds > 0 ? '--grace' : whenUnused ? '--when-unused' : undefined
  if (flag === undefined || target.retire !== undefined) return
  throw new UsageError(`${flag} needs a target where the former value goes on working`, keepsFormer)
}

const keepsFormer =
  'set "target" under "rotation": two "users" at PostgreSQL, or Redis; in a store alone, get NAME --version previous reads the former value'

function warnOfNoFormer(name: string, { target, graceSeconds, whenUnused }: Warned, { terminal }: CommandContext): void {
  if (target.retire !== undefined) return
  const settings = [...(graceSeconds > 0 ? ['graceSeconds'] : []), ...(whenUnused ? ['whenUnused'] : [])]
  for (const setting of settings)
    note(terminal, `warning: ${setting} of ${name} has no effect: at its target the former value does not go on working`)
}

type Warned = Pick<Prepared, 'target' | 'graceSeconds'> & { readonly whenUnused?: boolean | undefined }

function hasTarget({ target }: RotationConfig = {}): boolean {
  return target !== undefined && !('kind' in target && target.kind === 'none')
}

function secondsOf(kit: RotationKit, grace: string): number {
  try {
    return grace === '0' ? 0 : kit.rotationSchedule({ every: grace }).everyMs / 1_000
  } catch {
    throw new UsageError('--grace is no duration', 'write 0, 30s, 90m, 1h or 1d 12h, at most ten years')
  }
}

async function givenValue({ context: { terminal } }: Work, name: string): Promise<Generate> {
  const value = await readSecretInput(terminal, { question: `New value of ${name} (hidden)`, exact: false })
  if (typeof value === 'string') return () => value
  throw new UsageError('the value is not text', 'store bytes with `finchat-secrets set`')
}
