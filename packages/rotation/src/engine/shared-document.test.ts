import type { SecretsManager } from '@finchat/secrets-core'
import { discardSecret, pendingSecret } from '@finchat/secrets-core/staging'
import { memoryProvider } from '@finchat/secrets-testkit'
import { beforeEach, expect, test } from 'vitest'
import { rotateDue } from '../policy/rotate-due.ts'
import { rotationPolicy } from '../policy/rotation-policy.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, first, optionsOf, secretsOver, withMembers } from '../testing/rotations.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import type { RotateOptions } from './rotate-options.ts'

// Two names that are fields of one document, which has one staged version and one number.
let secrets: SecretsManager
let far: { readonly mail: FarSide; readonly db: FarSide }

beforeEach(async () => {
  secrets = secretsOver(memoryProvider({ names: { document: 'prod/shop', mail: 'prod/shop#mail', db: 'prod/shop#db' } }))
  await secrets.storeSecret('document', { mail: first, db: first })
  far = { mail: new FarSide(2), db: new FarSide(2) }
})

const of = (name: 'mail' | 'db', more: Partial<RotateOptions> = {}): RotateOptions =>
  optionsOf(far[name].target, { graceSeconds: 0, ...more })

/** The rotator of `mail` stages, and its server is down. */
async function breakOff(): Promise<void> {
  const apply = async (): Promise<void> => Promise.reject(new Error('no route'))
  await failureOf(rotate(secrets, 'mail', optionsOf(withMembers(far.mail.target, { apply }))))
}

test('does not finish what is staged for another field, and names it', async () => {
  await breakOff()
  const failure = await failureOf(rotate(secrets, 'db', of('db')))
  expect(failure).toMatchObject({ code: 'VERSION_CONFLICT', secret: 'db', remedy: expect.stringContaining("'mail'") })
  expect([await secrets.getSecret('mail'), await secrets.getSecret('db'), far.db.token]).toEqual([first, first, 0])
  expect(await rotate(secrets, 'mail', of('mail'))).toMatchObject({ outcome: 'finished' })
  expect(await rotate(secrets, 'db', of('db'))).toMatchObject({ outcome: 'rotated' })
  for (const name of ['mail', 'db'] as const) expect(far[name].accepts(await secrets.getSecret(name))).toBe(true)
})

test('does not withdraw a former value while another field is being rotated', async () => {
  await rotate(secrets, 'db', of('db'))
  await breakOff()
  expect(await retirePrevious(secrets, 'db', { target: far.db.target, graceSeconds: 0 })).toEqual({ outcome: 'rotating' })
  expect(await pendingSecret(secrets, 'mail')).toBeDefined()
})

test('does not finish the retirement of another field', async () => {
  await rotate(secrets, 'mail', of('mail'))
  const retire = async (): Promise<void> => Promise.reject(new Error('no route'))
  const retiring = { target: withMembers(far.mail.target, { retire }), graceSeconds: 0, force: true }
  await failureOf(retirePrevious(secrets, 'mail', retiring))
  expect(await failureOf(rotate(secrets, 'db', of('db')))).toMatchObject({ code: 'VERSION_CONFLICT' })
  expect(await retirePrevious(secrets, 'mail', { target: far.mail.target, graceSeconds: 0 })).toEqual({ outcome: 'retired' })
})

test('sets the current value again though a version is staged for another field meanwhile', async () => {
  const apply: RotateOptions['target']['apply'] = async (...args) => {
    await far.db.target.apply(...args)
    await secrets.rotateSecret('db', 'by hand')
    const pending = await pendingSecret(secrets, 'db')
    if (pending !== undefined) await discardSecret(secrets, 'db', pending)
    await breakOff()
  }
  const once = withMembers(far.db.target, { apply: async (...args) => (args[1].token % 2 === 0 ? apply : far.db.target.apply)(...args) })
  expect(await rotate(secrets, 'db', of('db', { target: once }))).toMatchObject({ outcome: 'overtaken' })
  expect([await secrets.getSecret('db'), far.db.passwords]).toEqual(['by hand', ['by hand']])
})

test('rotateDue leaves a secret that is not due alone, whatever is staged for another field', async () => {
  await breakOff()
  const { generate } = of('db')
  const db = rotationPolicy({ every: '30d', graceSeconds: 0, target: far.db.target, generate })
  expect(await rotateDue(secrets, { db })).toMatchObject({ db: { status: 'notDue', retirement: { outcome: 'rotating' } } })
})
