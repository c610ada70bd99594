import { readFileSync } from 'node:fs'
import type { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { type Moto, startMoto } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allSteps } from '../testing/aws-world.ts'
import { type Cut, motoClient, MotoRotation } from '../testing/moto-rotation.ts'
import { failureOf } from '../testing/rotations.ts'
import type { AwsRotationStep } from './rotation-event.ts'

// As the AWS Secrets Manager User Guide documents it, "Lambda rotation functions".
describeWithServer('moto', "AWS's sequence of steps, against moto", () => {
  let moto: Moto
  let client: SecretsManager
  let count = 0
  beforeAll(async () => {
    moto = await startMoto()
    client = motoClient(moto)
  })
  afterAll(async () => {
    client.destroy()
    await moto.stop()
  })
  const created = (): Promise<MotoRotation> => MotoRotation.create(client, `login-${(count += 1)}`)

  async function expectToRotate(rotation: MotoRotation): Promise<void> {
    const before = await rotation.read('AWSCURRENT')
    await rotation.rotate()
    expect([await rotation.canLogIn(), await rotation.read('AWSPREVIOUS'), await rotation.read('AWSPENDING')]).toEqual([
      true,
      before,
      undefined,
    ])
  }

  test('rotates, once and again', async () => {
    const rotation = await created()
    for (const times of [1, 2, 3]) {
      await expectToRotate(rotation)
      expect([rotation.made.length, rotation.server.token]).toEqual([times, 2 * times])
    }
  })

  test('rotates if each step is repeated', async () => {
    const rotation = await created()
    const token = await rotation.begin()
    for (const step of allSteps) for (const _ of [1, 2]) await rotation.step(step, token)
    expect([await rotation.read('AWSCURRENT'), await rotation.canLogIn()]).toEqual([rotation.made[0], true])
    await expectToRotate(rotation)
  })

  const orders: readonly (readonly AwsRotationStep[])[] = [
    ['finishSecret'],
    ['finishSecret', 'setSecret', 'testSecret'],
    ['testSecret', 'finishSecret', 'setSecret'],
    ['testSecret', 'setSecret', 'finishSecret'],
    ['setSecret', 'finishSecret', 'testSecret'],
  ]
  test.each(orders)('in another order makes current only what works: %s %s %s', async (...order) => {
    const rotation = await created()
    const token = await rotation.begin()
    expect(await failureOf(rotation.step(order[0] ?? 'setSecret', token))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    await rotation.step('createSecret', token)
    for (const step of order) {
      await rotation.step(step, token)
      expect(await rotation.canLogIn()).toBe(true)
    }
    expect(await rotation.read('AWSCURRENT')).toBe(rotation.made[0])
    await expectToRotate(rotation)
  })

  const cuts = (isDone: boolean, each: number): Cut[] => Array.from({ length: 40 }, (_, index) => ({ at: index * each, isDone }))

  test('goes on after a time-out in any step', { timeout: 60_000 }, async () => {
    for (const cut of cuts(true, 1)) {
      const rotation = await created()
      const token = await rotation.begin()
      const step = await rotation.rotateUntil(token, cut)
      expect(await rotation.canLogIn()).toBe(true)
      await rotation.rotate(token, allSteps.slice(allSteps.indexOf(step ?? 'finishSecret')))
      expect([await rotation.canLogIn(), await rotation.read('AWSPENDING')]).toEqual([true, undefined])
      if (step === undefined) return
    }
    expect.fail('no rotation came to its end')
  })

  test('rotates with a new token after a crash in each step', { timeout: 60_000 }, async () => {
    for (const cut of cuts(false, 3)) {
      const rotation = await created()
      const token = await rotation.begin()
      const step = await rotation.rotateUntil(token, cut)
      await rotation.giveUp(token)
      await rotation.rotate()
      expect(await rotation.canLogIn()).toBe(true)
      if (step === undefined) return
    }
    expect.fail('no rotation came to its end')
  })

  test('no value is in the output of moto', async () => {
    const rotation = await created()
    await expectToRotate(rotation)
    const output = readFileSync(moto.log, 'utf8')
    for (const value of rotation.made) expect(output).not.toContain(value)
  })
})
