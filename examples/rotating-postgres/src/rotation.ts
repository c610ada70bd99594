// The other part to copy: what a cron job or another process runs.
import type { SecretsManager } from '@finchat/secrets-core'
import { passwordGenerator, rotate, type RotationTarget } from '@finchat/secrets-rotation'
import { postgresRole } from '@finchat/secrets-rotation/postgres'
import { Client, type ClientConfig } from 'pg'

export function targetOf(administrator: ClientConfig, role: string): RotationTarget {
  return postgresRole({
    role,
    connect: () => new Client({ ...administrator, connectionTimeoutMillis: 5_000 }),
    login: (user, password) => new Client({ ...administrator, user, password, connectionTimeoutMillis: 5_000 }),
  })
}

/** Stages a new password, sets it, tests it, and makes it current. Returns its version. */
export async function rotateOnce(secrets: SecretsManager, name: string, target: RotationTarget): Promise<number | undefined> {
  const { version } = await rotate(secrets, name, { target, generate: passwordGenerator(), graceSeconds: 0 })
  return version
}
