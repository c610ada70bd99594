import type { CallOptions, RotationHealth, SecretsManager } from '@finchat/secrets-core'
import { knownOptions, limiter } from '@finchat/secrets-core/provider'
import { addRotationReport } from '@finchat/secrets-core/staging'
import { DueCheck } from './due-check.ts'
import { assertSchedules, type RotationSchedule } from './rotation-policy.ts'

/** Options of `reportRotations`. */
export type ReportRotationsOptions = Pick<CallOptions, 'actor'>

/** How many secrets are asked about at once. */
const concurrency = 8
/** A readiness probe waits for it. What is not answered by then is asked by a later check. */
const longestMs = 5_000

/**
 * Adds the rotations to `checkHealth` of this manager. For each secret it has the last change, the
 * next due time and whether it is overdue, by the store's times. An overdue rotation leaves `ok` as
 * it is. Takes the policies of `rotateDue`, or `rotationSchedule` in a service that does not rotate.
 *
 * A secret is described when it is first asked about, then every five minutes, and every minute
 * while it is due. Each due or overdue version is published once on the channel. Returns the
 * function that ends it. Throws `CONFIGURATION` or `INVALID_ARGUMENT` for what it would misread.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { reportRotations, rotationSchedule } from '@finchat/secrets-rotation'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'hunter2' } })] })
 * reportRotations(secrets, { db: rotationSchedule({ every: '30d' }) })
 * const { ok, rotations } = await secrets.checkHealth()
 * console.log(ok, rotations?.['db']?.status) // true ok
 */
export function reportRotations(
  secrets: SecretsManager,
  schedules: Readonly<Record<string, RotationSchedule>>,
  options: ReportRotationsOptions = {},
): () => void {
  const { actor } = knownOptions(options, { actor: 'string' }, 'INVALID_ARGUMENT')
  assertSchedules(schedules)
  const checks = Object.entries(schedules).map(([name, schedule]) => new DueCheck(secrets, name, schedule, actor))
  return addRotationReport(secrets, async (signal) => {
    await askAll(checks, signal)
    return Object.fromEntries(checks.map((check): [string, RotationHealth] => [check.name, check.report()]))
  })
}

async function askAll(checks: readonly DueCheck[], signal: AbortSignal): Promise<void> {
  const until = Date.now() + longestMs
  const limit = limiter(concurrency)
  const ask = async (check: DueCheck): Promise<void> => {
    if (Date.now() < until) await check.ask(signal, until - Date.now())
  }
  await Promise.all(checks.filter((check) => check.isToAsk()).map((check) => limit(() => ask(check))))
}
