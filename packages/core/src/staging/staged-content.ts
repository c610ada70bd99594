import type { CallContext, NewSecret } from '../contract/provider.ts'
import { wipe } from '../guard/check-answer.ts'
import { asKept, currentAt, isLeased, leased, mayBeOneOfFields, withFieldSet } from '../write/put.ts'
import type { Target } from '../write/write-target.ts'

/**
 * What `put` would write, to be staged instead. A field is staged over exactly the version that has
 * its other fields.
 */
export async function stagedContent(
  target: Target,
  fields: readonly string[],
  secret: NewSecret,
  context: CallContext,
): Promise<NewSecret> {
  if (fields.length > 0) {
    if (await isLeased(target, context)) throw leased()
    const change = await withFieldSet(target.location, fields, secret, context)
    return { ...change.secret, ifCurrent: change.before }
  }
  if (mayBeOneOfFields(target.location, secret))
    return asKept(target.location, target.current ?? (await currentAt(target.location, context)), secret)
  wipe(target.current)
  return secret
}
