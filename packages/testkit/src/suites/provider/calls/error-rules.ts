import assert from 'node:assert/strict'
import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '../../../leaks/leaks.ts'
import { hasCredential } from './credentials.ts'
import { shown } from './watched-calls.ts'

/** Part of the values that the suite writes: no error may contain it. */
export const canary = 'c4n4ry-vXq7-must-not-leak'

/** The own keys of a `SecretsError`; symbols are marks of core's copies. */
const keys = new Set(['code', 'problem', 'message', 'stack', 'name', 'secret', 'provider', 'remedy', 'retryAt', 'effect'])
for (const key of ['storeStatus', 'storeRequestId', 'attempts']) keys.add(key)

/** The rules for every error. Returns it. */
export function assertProper(member: string, reason: unknown): SecretsError {
  if (reason instanceof assert.AssertionError) throw reason
  assert.deepEqual(leaksOf(reason, canary), [], `${member} rejected with an error that reveals the value`)
  assert.ok(SecretsError.isInstance(reason), `${member} rejected with ${nameOf(reason)}; it must reject with a SecretsError`)
  assert.equal(reason.cause, undefined, `the error of ${member} has a \`cause\`, which may hold anything`)
  assert.ok(!hasCredential(reason), `${member} rejected with an error that reveals a credential`)
  assertText(member, reason)
  assertDetails(member, reason)
  const extra = Reflect.ownKeys(reason).filter((key) => typeof key === 'string' && !keys.has(key))
  assert.deepEqual(extra, [], `the error of ${member} has members that no SecretsError has`)
  return reason
}

function nameOf(reason: unknown): string {
  return reason instanceof Error ? `the error ${reason.name}` : shown(reason)
}

function assertText(member: string, { message }: SecretsError): void {
  assert.ok(!/\p{Cc}/u.test(message), `the message of ${member} has a control character and can forge a log line`)
  assert.ok(message.length > 0 && message.length <= 1500, `the message of ${member} is empty or longer than 1,500 characters`)
}

const dayMs = 86_400_000

function assertDetails(member: string, { retryAt, effect, storeStatus, storeRequestId, remedy }: SecretsError): void {
  const isTime = retryAt === undefined || (retryAt > Date.now() - dayMs && retryAt < Date.now() + 366 * dayMs)
  assert.ok(isTime, `the error of ${member} has a \`retryAt\` that is no present time in epoch milliseconds`)
  assert.ok(effect === undefined || effect === 'done' || effect === 'unknown', `the error of ${member} has an unknown \`effect\``)
  for (const [key, text] of Object.entries({ storeStatus, storeRequestId, remedy })) {
    const isShort = text === undefined || (typeof text === 'string' && text.length <= 300 && !/\p{Cc}/u.test(text))
    assert.ok(isShort, `the error of ${member} has a \`${key}\` that is not one short line of text`)
  }
}
