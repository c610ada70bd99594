import { type KeptMark, SecretsError, type SecretValue, type UsageMarks, type WriteReceipt } from '@finchat/secrets-core'
import { excuseUsage, readUsage } from '@finchat/secrets-core/live'
import { configurationError, hasCode } from '@finchat/secrets-core/provider'
import type { RotationTarget } from '../targets/target.ts'
import type { Run } from './rotate-options.ts'
import { type Asked, isSameVersion, type UnreadableFormer } from './stored-versions.ts'
import { sessionsOf } from './target-steps.ts'

/**
 * Why it is unknown whether a former version is used. `notKept`: no marks can be kept here. `lost`:
 * there are none, or some may be missing that were made since the version became current.
 * `restartUnknown`: the cache's server does not tell whether it started again with fewer marks.
 * `timeUnknown`: the store does not tell since when it was current. `formerUnreadable`: there may be
 * a former version, and it cannot be read, see `unreadable`. `unreachable`: the shared cache cannot
 * be asked.
 */
export type UsageGap = 'notKept' | 'lost' | 'restartUnknown' | 'timeUnknown' | 'formerUnreadable' | 'unreachable'

/** A process that has not registered the current version. */
export interface SecretUser {
  /** Random, and of one process alone. */
  readonly process: string
  readonly host: string
  /** Its number on that host. */
  readonly pid?: number | undefined
  readonly actor?: string | undefined
  /** What it registered last. */
  readonly uses: readonly WriteReceipt[]
  /** When it did so, and its last sign of life, epoch milliseconds of its host. */
  readonly since: number
  readonly seenAt?: number | undefined
  /** It gave a sign of life in the last 90 seconds. If not, it has vanished without a goodbye. */
  readonly isAlive: boolean
}

/** Who may still use the version before the current one. */
export interface FormerUsage {
  /**
   * `safe`: every process that registered a use has registered the current version since, or left,
   * and the target has no session of the former one. `inUse`: see `users` and `sessions`.
   * `unknown`: see `gap`.
   */
  readonly verdict: 'safe' | 'inUse' | 'unknown'
  readonly gap?: UsageGap | undefined
  readonly users: readonly SecretUser[]
  /**
   * Sessions of the former version at the target. Absent: the target cannot tell, and the verdict
   * rests on the marks alone.
   */
  readonly sessions?: number | undefined
  /** Why the former version cannot be read, though there may be one. */
  readonly unreadable?: UnreadableFormer | undefined
}

/** Clocks of hosts and of the store may differ by this much. */
const clockToleranceMs = 60_000
/** A process goes on with its next version so long after its mark was surely kept last. */
const keptForMs = 40_000
const aliveForMs = 90_000

export async function formerUsage(
  asked: Asked,
  target: RotationTarget | undefined,
  current: SecretValue,
  previous: SecretValue | UnreadableFormer,
): Promise<FormerUsage> {
  const found = await marksOf(asked, current)
  const users = typeof found === 'string' ? [] : usersIn(found, current)
  if (typeof previous === 'string') return usageOfUnreadable(users, typeof found === 'string' ? found : 'formerUnreadable', previous)
  const sessions = await sessionsOf(asked, target, previous)
  const gap = typeof found === 'string' ? found : await gapOf(asked, found, previous)
  const isUsed = users.length > 0 || (sessions ?? 0) > 0
  return { verdict: isUsed ? 'inUse' : gap === undefined ? 'safe' : 'unknown', gap, users, sessions }
}

function usageOfUnreadable(users: readonly SecretUser[], gap: UsageGap, unreadable: UnreadableFormer): FormerUsage {
  return { verdict: users.length > 0 ? 'inUse' : 'unknown', gap, users, unreadable }
}

/**
 * The usage that forbids to withdraw the former value; undefined if nothing does, or if nobody
 * asks. Throws `CONFIGURATION` where no marks can be kept.
 */
export async function forbiddingUsage(
  run: Run,
  current: SecretValue,
  previous: SecretValue | UnreadableFormer,
): Promise<FormerUsage | undefined> {
  if (run.force || !run.whenUnused) return undefined
  const usage = await formerUsage(run, run.target, current, previous)
  if (usage.gap === 'notKept')
    throw configurationError(
      '`whenUnused` is set, and no usage marks can be kept for this secret',
      'give the manager a keyvCache with a `client`, and the provider `sharedAs`',
    )
  return usage.verdict === 'safe' ? undefined : usage
}

/** A new rotation would withdraw a value that somebody uses, or may use. */
export function stillUsed(secret: string, { verdict, gap, users, sessions = 0 }: FormerUsage): SecretsError {
  const who = verdict === 'inUse' ? `is in use by ${users.length} processes and ${sessions} sessions` : `may be in use (${gap})`
  return new SecretsError('RATE_LIMITED', `the former value ${who}, and a rotation would end it`, {
    secret,
    remedy: 'see rotationStatus, and rotate later, or pass force: true',
  })
}

/** After a forced withdrawal: what these processes used is gone, so they count no more. */
export async function excuseUsers({ secrets, name, call }: Asked, current: SecretValue, former: SecretValue): Promise<void> {
  const { provider } = current
  try {
    const found = await readUsage(secrets, name, { provider, signal: call.signal })
    const marks = (found?.marks ?? []).filter((mark) => isUser(mark, current))
    // A later version than the former one has the current credential, which was not withdrawn.
    const excused = marks.filter(({ uses }) => !uses.some((use) => isLater(use, former)))
    if (excused.length > 0) await excuseUsage(secrets, name, excused, { provider, signal: call.signal })
  } catch {
    // They go on counting, until a later withdrawal is forced too.
  }
}

async function marksOf({ secrets, name, call }: Asked, { provider }: SecretValue): Promise<UsageMarks | UsageGap> {
  try {
    return (await readUsage(secrets, name, { provider, signal: call.signal })) ?? 'lost'
  } catch (error) {
    if (hasCode(error, 'CONFIGURATION')) return 'notKept'
    if (hasCode(error, 'ABORTED')) throw error
    return 'unreachable'
  }
}

function usersIn({ marks }: UsageMarks, current: SecretValue): readonly SecretUser[] {
  return marks
    .filter((mark) => isUser(mark, current))
    .map(({ process, host, pid, actor, uses, since, seenAt }) => {
      const isAlive = seenAt !== undefined && Date.now() - seenAt < aliveForMs
      return { process, host, pid, actor, uses, since, seenAt, isAlive }
    })
}

function isUser({ uses, isExcused }: KeptMark, current: SecretValue): boolean {
  return !isExcused && !uses.every((use) => isSurelySame(use, current))
}

function isSurelySame(one: WriteReceipt, other: WriteReceipt): boolean {
  const areComparable = (one.revision ?? one.version) !== undefined && (other.revision ?? other.version) !== undefined
  return areComparable && isSameVersion(one, other)
}

function isLater({ version: one }: WriteReceipt, { version: other }: WriteReceipt): boolean {
  return one !== undefined && other !== undefined && one > other
}

/** Whoever uses the former version registered it after it was current: is every such mark kept? */
async function gapOf(asked: Asked, { completeSince }: UsageMarks, previous: SecretValue): Promise<UsageGap | undefined> {
  if (completeSince === undefined) return 'restartUnknown'
  const since = previous.currentSince ?? (await describedSince(asked, previous))
  if (since === undefined) return 'timeUnknown'
  return completeSince + keptForMs + clockToleranceMs <= since ? undefined : 'lost'
}

async function describedSince({ secrets, name, call }: Asked, previous: SecretValue): Promise<number | undefined> {
  const { versions = [] } = await secrets.describeSecret(name, call)
  return versions.find((version) => isSurelySame(version, previous))?.currentSince
}
