import type { SecretFields, SecretValue } from '@finchat/secrets-core'
import { pendingSecret } from '@finchat/secrets-core/staging'
import { passwordGenerator, rotate, type RotationResult } from '@finchat/secrets-rotation'
import {
  type PostgresLogin,
  postgresRoleLogin,
  postgresTarget,
  postgresUsersLogin,
} from '@finchat/secrets-rotation-tests/testing/postgres-login'
import type { Postgres } from '@finchat/secrets-test-servers'
import { Client, type ClientConfig } from 'pg'
import type { RotatorOrders } from './rotator-orders.ts'
import { openRotator, rotatorName, type SecretStore } from './secret-stores.ts'
import type { Servers } from './with-servers.ts'

/** The password of a real login, in a real store, and what is known of both. */
export interface RotatedSecret {
  /** For a rotator in another process. */
  readonly orders: RotatorOrders
  readonly current: () => Promise<string>
  readonly previous: () => Promise<string | undefined>
  readonly pending: () => Promise<string | undefined>
  /** Logs in as an application does. */
  readonly accepts: (password: string) => Promise<boolean>
  /** Which of the two logs in; looked at again if they changed meanwhile. */
  readonly works: () => Promise<'current' | 'pending' | 'neither'>
  /** One rotation of a process that nothing disturbs, with connections of its own. */
  readonly rotate: () => Promise<RotationResult>
  readonly close: () => Promise<void>
}

/** Does it for one role and for two users at once, in one store after another. */
export async function inEachSecret({ postgres, stores }: Servers, work: (secret: RotatedSecret) => Promise<void>): Promise<void> {
  const within = async (store: SecretStore, login: PostgresLogin): Promise<void> => {
    const secret = await rotatedSecret(postgres, store, login)
    try {
      await work(secret)
    } finally {
      await secret.close()
    }
  }
  for (const store of stores) {
    const logins = [await postgresRoleLogin(postgres), await postgresUsersLogin(postgres)]
    await Promise.all(logins.map((login) => within(store, login)))
  }
}

export async function rotatedSecret(postgres: Postgres, { address }: SecretStore, login: PostgresLogin): Promise<RotatedSecret> {
  const { first, roles, config } = login
  const { host, port, user } = postgres
  const orders: RotatorOrders = { store: address, path: `login/${config.user}`, postgres: { host, port, user }, roles }
  const secrets = openRotator(address, orders.path)
  const users = new Map<string, string>()
  const known = (value: SecretValue): string => {
    const { password = '', username = config.user } = value.json() as SecretFields // as it was stored
    users.set(password, username)
    return password
  }
  await secrets.storeSecret(rotatorName, typeof first === 'string' ? { password: first } : first)
  const read = async (version?: 'previous'): Promise<string> => known(await secrets.getSecretValue(rotatorName, { fresh: true, version }))
  const pending = async (): Promise<string | undefined> => {
    const staged = await pendingSecret(secrets, rotatorName)
    return staged && known(staged.value)
  }
  const accepts = (password: string): Promise<boolean> => canLogIn({ ...config, user: users.get(password) ?? config.user, password })
  return {
    orders,
    current: () => read(),
    previous: () => read('previous').catch(() => undefined),
    pending,
    accepts,
    works: () => whichWorks(read, pending, accepts),
    rotate: () => undisturbed(orders),
    close: () => secrets.close(),
  }
}

async function undisturbed({ store, path, postgres, roles }: RotatorOrders): Promise<RotationResult> {
  const secrets = openRotator(store, path)
  const target = postgresTarget(postgres, roles)
  try {
    return await rotate(secrets, rotatorName, { target, generate: passwordGenerator(), graceSeconds: 0 })
  } finally {
    await secrets.close()
  }
}

async function whichWorks(
  readCurrent: () => Promise<string>,
  readPending: () => Promise<string | undefined>,
  accepts: (password: string) => Promise<boolean>,
): ReturnType<RotatedSecret['works']> {
  const [pending, current] = [await readPending(), await readCurrent()]
  if (await accepts(current)) return 'current'
  if (pending !== undefined && (await accepts(pending))) return 'pending'
  const isSame = pending === (await readPending()) && current === (await readCurrent())
  return isSame ? 'neither' : whichWorks(readCurrent, readPending, accepts)
}

async function canLogIn(config: ClientConfig): Promise<boolean> {
  const client = new Client(config)
  client.on('error', () => {}) // connect() rejects too
  try {
    await client.connect()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '28P01') return false
    throw error
  } finally {
    await client.end()
  }
}
