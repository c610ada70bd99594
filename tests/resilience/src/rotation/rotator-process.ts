import type { SecretProvider } from '@finchat/secrets-core'
import { passwordGenerator, rotate, type RotationTarget } from '@finchat/secrets-rotation'
import { postgresTarget } from '@finchat/secrets-rotation-tests/testing/postgres-login'
import { Client } from 'pg'
import { givenOrders } from '../harness/child.ts'
import { halted, type RotatorOrders } from './rotator-orders.ts'
import { openRotator, rotatorName } from './secret-stores.ts'

/* One rotation. It names the boundaries before and after each call of its store and its target, and halts at one of them. */
const orders = givenOrders() as RotatorOrders // what rotator.ts sends
const { haltAt, halt = 'stop', diesAfterApply = false, isFenced = true, postgres, roles } = orders
let passed = 0
let hasHalted = false

function pass(boundary: string): void {
  passed += 1
  say(boundary)
  if (hasHalted || (haltAt !== passed && haltAt !== boundary)) return
  hasHalted = true
  say(halted)
  if (halt === 'stop') process.kill(process.pid, 'SIGSTOP')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

type Call<Args extends unknown[], Answer> = (...args: Args) => Promise<Answer>

function bounded<Args extends unknown[], Answer>(name: string, call: Call<Args, Answer>): Call<Args, Answer> {
  return async (...args) => {
    pass(`before ${name}`)
    try {
      return await call(...args)
    } finally {
      pass(`after ${name}`)
    }
  }
}

function boundedStore(provider: SecretProvider): SecretProvider {
  const { get, getVersion, describe, staging } = provider
  return {
    ...provider,
    get: bounded('get', get),
    ...(getVersion && { getVersion: bounded('getVersion', getVersion) }),
    ...(describe && { describe: bounded('describe', describe) }),
    ...(staging && {
      staging: {
        put: bounded('put', staging.put),
        get: bounded('get pending', staging.get),
        promote: bounded('promote', staging.promote),
        discard: bounded('discard', staging.discard),
      },
    }),
  }
}

function boundedTarget({ next, apply, test, retire }: RotationTarget): RotationTarget {
  return { next, apply: bounded('apply', mortal(apply)), test: bounded('test', test), ...(retire && { retire: bounded('retire', retire) }) }
}

function mortal(apply: RotationTarget['apply']): RotationTarget['apply'] {
  return async (...args) => {
    if (!isFenced) await forgetFence()
    try {
      await apply(...args)
    } finally {
      if (hasHalted && diesAfterApply) process.kill(process.pid, 'SIGKILL')
    }
  }
}

async function forgetFence(): Promise<void> {
  const client = new Client({ ...postgres, database: 'postgres' })
  await client.connect()
  for (const role of 'role' in roles ? [roles.role] : roles.users) await client.query(`ALTER ROLE ${role} RESET finchat.version`)
  await client.end()
}

async function run(): Promise<string> {
  const secrets = openRotator(orders.store, orders.path, boundedStore)
  const target = boundedTarget(postgresTarget(postgres, roles))
  try {
    const { outcome } = await rotate(secrets, rotatorName, {
      target,
      generate: passwordGenerator(),
      graceSeconds: 0,
      actor: 'the halted one',
    })
    return outcome
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no error'
  } finally {
    await secrets.close()
  }
}

void run().then((outcome) => say(`ended ${outcome}`))
