import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { startOpenBao } from './openbao.ts'
import { startPostgres } from './postgres.ts'
import { makeCertificate } from './server-certificate.ts'
import { describeWithServer } from './vitest.ts'

describeWithServer(['openbao', 'postgres'], 'PostgreSQL, as we start it', () => {
  test('takes the accounts that OpenBao makes, and loses them when they are revoked', async () => {
    const [postgres, openbao] = await Promise.all([startPostgres(), startOpenBao()])
    for (const { stop } of [postgres, openbao]) onTestFinished(stop)
    await openbao.api('POST', 'sys/mounts/database', { type: 'database' })
    await openbao.api('POST', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: postgres.url,
      allowed_roles: 'app',
    })
    await openbao.api('POST', 'database/roles/app', {
      db_name: 'app',
      creation_statements: [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`],
      default_ttl: '1h',
    })
    const lease = await openbao.api<{ lease_id: string; data: { username: string } }>('GET', 'database/creds/app')
    expect(await postgres.query('SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1')).toEqual([['postgres'], [lease.data.username]])
    await openbao.api('PUT', 'sys/leases/revoke', { lease_id: lease.lease_id, sync: true })
    expect(await postgres.query('SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1')).toEqual([['postgres']])
  })

  test('says what is wrong with a query', async () => {
    const postgres = await startPostgres()
    onTestFinished(postgres.stop)
    await expect(postgres.query('SELECT nothing')).rejects.toThrow('column "nothing" does not exist')
    expect(await postgres.query("SELECT NULL, 'ü', 1 + 1")).toEqual([[null, 'ü', '2']])
  })

  test('trusts its superuser alone: every other role needs its password', async () => {
    const postgres = await startPostgres()
    onTestFinished(postgres.stop)
    await postgres.query("CREATE ROLE app LOGIN PASSWORD 'right'")
    const login = async (password: string): Promise<string> => {
      const client = new Client({ host: postgres.host, port: postgres.port, user: 'app', password, database: 'postgres' })
      await client.connect()
      const { rows } = await client.query<{ user: string }>('SELECT current_user AS user')
      await client.end()
      return rows[0]?.user ?? ''
    }
    expect(await login('right')).toBe('app')
    await expect(login('wrong')).rejects.toMatchObject({ code: '28P01' })
  })

  test('hangs with its connections and wakes up, is killed, and starts again with what it wrote to a logged table', async () => {
    const postgres = await startPostgres()
    onTestFinished(postgres.stop)
    await postgres.query('CREATE TABLE kept AS SELECT 1')
    await postgres.query('CREATE UNLOGGED TABLE emptied AS SELECT 1')
    const client = new Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    await postgres.signalAll('SIGSTOP')
    const answers = [client.query('SELECT 1'), postgres.query('SELECT 1')].map((answer) => answer.then(() => 'answered'))
    expect(await Promise.race([...answers, sleep(100, 'silence')])).toBe('silence')
    await postgres.signalAll('SIGCONT')
    expect(await Promise.all(answers)).toEqual(['answered', 'answered'])
    await postgres.kill()
    await expect(postgres.query('SELECT 1')).rejects.toThrow('ECONNREFUSED')
    await postgres.start()
    expect([await postgres.query('SELECT * FROM kept'), await postgres.query('SELECT * FROM emptied')]).toEqual([[['1']], []])
    await client.end()
  })

  test('with a certificate, it serves clients that trust its authority, and no other ones', async () => {
    const [tls, other] = [await makeCertificate(), await makeCertificate()]
    const postgres = await startPostgres({ tls })
    onTestFinished(postgres.stop)
    const login = async (ca: string): Promise<unknown> => {
      const client = new Client({ host: postgres.host, port: postgres.port, user: 'postgres', database: 'postgres', ssl: { ca } })
      await client.connect()
      const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
      await client.end()
      return rows
    }
    expect(await login(tls.ca)).toEqual([{ ssl: true }])
    await expect(login(other.ca)).rejects.toThrow('unable to verify the first certificate')
  })
})
