import type { CallContext } from '@finchat/secrets-core'
import { loadCrypto, throwIfAborted } from '@finchat/secrets-core/provider'
import { type PostgresClient, type PostgresLogin, withClient } from './client.ts'
import { anyPasswordWorks, notTheOwner, postgresError, sqlState } from './postgres-error.ts'
import { literal } from './sql-text.ts'

export interface Credential {
  readonly user: string
  readonly password: string
}

type Answer = 'accepted' | 'refused'

/** Tests passwords by logging in as an application does. */
export class LoginTest {
  readonly #login: (user: string, password: string) => PostgresLogin
  /** The role that each user becomes. */
  readonly #owner: string | undefined
  /** The server has refused a wrong password of these. */
  readonly #checkedUsers = new Set<string>()

  constructor(login: (user: string, password: string) => PostgresLogin, owner: string | undefined) {
    this.#login = login
    this.#owner = owner
  }

  async test(credential: Credential, context: CallContext): Promise<Answer> {
    const answer = await this.#logIn(credential, context)
    if (answer === 'accepted') await this.#assertPasswordsMatter(credential.user, context)
    return answer
  }

  /** `trust` in pg_hba.conf accepts every password. Another error than 28P01 may be a pooler's. */
  async #assertPasswordsMatter(user: string, context: CallContext): Promise<void> {
    if (this.#checkedUsers.has(user)) return
    const wrong = loadCrypto().randomBytes(24).toString('base64url')
    const [answer] = await Promise.allSettled([this.#logIn({ user, password: wrong }, context)])
    if (answer.status === 'rejected') return
    if (answer.value === 'accepted') throw anyPasswordWorks()
    this.#checkedUsers.add(user)
  }

  async #logIn({ user, password }: Credential, { signal }: CallContext): Promise<Answer> {
    throwIfAborted(signal)
    try {
      return await withClient<PostgresLogin, 'accepted'>(this.#login(user, password), signal, async (client) => {
        await client.connect()
        if (this.#owner !== undefined) await assertBecomes(this.#owner, client)
        return 'accepted'
      })
    } catch (error) {
      if (sqlState(error) === '28P01') return 'refused'
      throw postgresError(error)
    }
  }
}

async function assertBecomes(owner: string, client: PostgresClient): Promise<void> {
  const { rows } = await client.query(`SELECT FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolname = ${literal(owner)}`)
  if (rows.length === 0) throw notTheOwner()
}
