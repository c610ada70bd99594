import type { CallContext } from '../contract/provider.ts'
import type { SharedUsage, UsageMark, UsageMarks, UsagePath } from '../contract/shared-usage.ts'
import { isRecord } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { bounded } from '../guard/deadline.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { sharedUsageOf, usagePathOf } from './usage-places.ts'

/** Where to look for marks. */
export interface UsageLocation {
  /** The provider that holds the secret. */
  readonly provider: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Returns who uses a secret, by the marks in the shared cache; `undefined` if there are none.
 * Rejects with `CONFIGURATION` where no marks can be kept, and if the cache cannot be asked.
 */
export async function readUsage(secrets: SecretsManager, name: string, location: UsageLocation): Promise<UsageMarks | undefined> {
  const found = await asked(secrets, name, location, (usage, path, context) => usage.read(path, context))
  if (found === undefined || isUsageMarks(found)) return found
  throw new SecretsError('INTERNAL', 'the shared cache answered with no usage marks', { secret: name })
}

/**
 * Excuses marks whose version was withdrawn on purpose: they count no more, and a later mark of the
 * same process does. Rejects as `readUsage` does.
 */
export async function excuseUsage(
  secrets: SecretsManager,
  name: string,
  marks: readonly Pick<UsageMark, 'process' | 'count'>[],
  location: UsageLocation,
): Promise<void> {
  await asked(secrets, name, location, (usage, path, context) => usage.excuse(path, marks, context))
}

async function asked<T>(
  secrets: SecretsManager,
  name: string,
  { provider, signal }: UsageLocation,
  call: (usage: SharedUsage, path: UsagePath, context: CallContext) => Promise<T>,
): Promise<T> {
  const parts = partsOf(secrets)
  const [usage, path] = [sharedUsageOf(parts), usagePathOf(parts, name, provider)]
  return bounded((within) => call(usage, path, { signal: within }), { ...parts.bounds, signal, owner: 'the usage marks' })
}

function isUsageMarks(found: unknown): boolean {
  return isRecord(found) && 'marks' in found && Array.isArray(found.marks)
}
