import { createPool, type PoolConnection } from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { startMysqlServer } from '../testing/mysql-server.ts'
import { name, rotatedName, rotatedStore } from '../testing/rotated-store.ts'
import { rotatingPool } from './mysql2.ts'

interface Trial extends Awaited<ReturnType<typeof rotatedStore>> {
  readonly options: { readonly host: string; readonly port: number; readonly user: string }
  readonly rotate: (password: string) => Promise<void>
}

async function trial(): Promise<Trial> {
  const server = await startMysqlServer('first')
  onTestFinished(server.stop)
  const store = await rotatedStore('first')
  const rotate = async (password: string): Promise<void> => {
    server.setPassword(password)
    await store.rotator.rotateSecret(rotatedName, password)
  }
  return { ...store, options: { host: '127.0.0.1', port: server.port, user: 'app' }, rotate }
}

/** Each rotation is followed by logins, since every connection ends after its query. */
async function logins(getConnection: () => Promise<PoolConnection>, { rotate }: Trial): Promise<number> {
  let answered = 0
  for (const password of ['second', 'third', 'fourth']) {
    await rotate(password)
    const connections = await Promise.all(Array.from({ length: 5 }, () => getConnection()))
    for (const connection of connections) {
      await connection.query('SELECT 1')
      answered += 1
      connection.destroy()
    }
  }
  return answered
}

test('a pool of mysql2 fails no login while the password is rotated', async () => {
  const rotated = await trial()
  const { pool, getConnection } = await rotatingPool(rotated.service, name, rotated.options)
  onTestFinished(() => pool.end())
  expect(await logins(getConnection, rotated)).toBe(15)
})

test('a pool of mysql2 with a password that was read once is refused after a rotation', async () => {
  const rotated = await trial()
  const pool = createPool({ ...rotated.options, password: await rotated.service.getSecret(name) })
  await expect(logins(() => pool.getConnection(), rotated)).rejects.toMatchObject({ errno: 1045 })
})
