import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { createSecretsManager, type SecretsManager as Secrets } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { passwordGenerator, rotate } from '@finchat/secrets-rotation'
import { type AwsRotationHandler, awsRotationHandler, type AwsRotationOptions } from '@finchat/secrets-rotation/aws'
import { type Moto, type Postgres, startMoto, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type PostgresLogin, postgresRoleLogin, postgresUsersLogin } from '../testing/postgres-login.ts'

const region = 'eu-west-1'
const credentials = { accessKeyId: 'key', secretAccessKey: 'c4n4ry-of-the-secret-key-Zq9' }
const RotationLambdaARN = 'arn:aws:lambda:eu-west-1:123456789012:function:rotate'
const generate = passwordGenerator()

let server: Postgres
let moto: Moto
let client: SecretsManager
let count = 0

/** A secret as a service reads it, and AWS's side of its rotation. */
interface Rotated {
  readonly name: string
  readonly service: Secrets
  /** RotateSecret, and the four steps. */
  readonly rotate: (handler?: AwsRotationHandler) => Promise<string>
  readonly handler: AwsRotationHandler
  /** Who logs in with the current value. */
  readonly user: () => Promise<string>
}

async function rotated(login: PostgresLogin, stored: string, options: Partial<AwsRotationOptions> = {}): Promise<Rotated> {
  const name = `login-${(count += 1)}`
  await client.createSecret({ Name: name, SecretString: stored })
  const service = createSecretsManager({
    providers: [awsProvider({ region, endpoint: moto.url, clientConfig: { credentials } })],
    cache: { ttlSeconds: 0 },
  })
  onTestFinished(() => service.close())
  const handler = awsRotationHandler({ client, target: login.target, generate, graceSeconds: 0, ...options })
  return {
    name,
    service,
    handler,
    rotate: async (given = handler) => {
      const { VersionId: token = '', ARN = '' } = await client.rotateSecret({ SecretId: name, RotationLambdaARN })
      for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const)
        await given({ Step, SecretId: ARN, ClientRequestToken: token })
      return token
    },
    user: async () => userOf(login, await service.getSecretValue(name, { field: 'password' }), await fieldOf(service, name, 'username')),
  }
}

async function fieldOf(service: Secrets, name: string, field: string): Promise<string> {
  return (await service.getSecretValue(name, { field })).reveal()
}

async function userOf({ config }: PostgresLogin, password: { reveal: () => string }, user: string): Promise<string> {
  const connection = new Client({ ...config, user, password: password.reveal() })
  await connection.connect()
  const { rows } = await connection.query<{ user: string }>('SELECT session_user AS user')
  await connection.end()
  return rows[0]?.user ?? ''
}

/** As AWS stores the login of a database. */
function storedLogin({ first, config: { user, host, port } }: PostgresLogin): string {
  return JSON.stringify({ engine: 'postgres', host, port, username: user, password: first, dbname: 'postgres' })
}

describeWithServer('postgres', 'rotation by AWS, of PostgreSQL', () => {
  describeWithServer('moto', 'with the secret in moto', () => {
    beforeAll(async () => {
      ;[server, moto] = await Promise.all([startPostgres(), startMoto()])
      client = new SecretsManager({ region, endpoint: moto.url, credentials })
    })
    afterAll(async () => {
      client.destroy()
      await Promise.all([server.stop(), moto.stop()])
    })

    test("sets the password of AWS's usual secret, and leaves its other fields", async () => {
      const login = await postgresRoleLogin(server)
      const { name, rotate: rotateOnce, user, service } = await rotated(login, storedLogin(login), { field: 'password' })
      const passwords = new Set([login.first])
      for (const attempt of [1, 2, 3]) {
        await rotateOnce()
        expect(await user()).toBe(login.config.user)
        passwords.add(await fieldOf(service, name, 'password'))
        expect((await service.getSecretValue(name)).version).toBe(attempt)
      }
      expect(passwords.size).toBe(4)
      expect([await fieldOf(service, name, 'port'), await fieldOf(service, name, 'engine')]).toEqual([String(server.port), 'postgres'])
    })

    test('alternates two users, whose former password works until the next rotation', async () => {
      const login = await postgresUsersLogin(server)
      const { name, rotate: rotateOnce, user, service } = await rotated(login, JSON.stringify(login.first))
      const users: string[] = []
      for (let times = 0; times < 3; times += 1) {
        const [former, formerUser] = [await service.getSecretValue(name, { field: 'password' }), await fieldOf(service, name, 'username')]
        await rotateOnce()
        users.push(await user())
        expect(await userOf(login, former, formerUser)).toBe(formerUser)
      }
      const first = login.config.user
      expect(users).toEqual([first.replace(/a$/, 'b'), first, first.replace(/a$/, 'b')])
    })

    test('refuses a step that was stopped before it set the password, though the role has the same name', async () => {
      const login = await postgresRoleLogin(server)
      const stopped = Promise.withResolvers<void>()
      const reached = Promise.withResolvers<void>()
      const target: AwsRotationOptions['target'] = {
        ...login.target,
        apply: async (...args) => {
          reached.resolve()
          await stopped.promise
          return login.target.apply(...args)
        },
      }
      const options = { field: 'password' }
      const { name, rotate: rotateOnce, user } = await rotated(login, storedLogin(login), options)
      const late = rotateOnce(awsRotationHandler({ client, target, generate, graceSeconds: 0, ...options })).then(
        () => undefined,
        (error: unknown) => error,
      )
      await reached.promise
      const { VersionIdsToStages = {} } = await client.describeSecret({ SecretId: name })
      const [token] = Object.entries(VersionIdsToStages).find(([, labels]) => labels.includes('AWSPENDING')) ?? []
      await client.updateSecretVersionStage({ SecretId: name, VersionStage: 'AWSPENDING', RemoveFromVersionId: token })
      await rotateOnce()
      stopped.resolve()
      expect(await late).toMatchObject({ code: 'VERSION_CONFLICT' })
      expect(await user()).toBe(login.config.user)
    })

    test('and rotation by `rotate` follow each other with a growing fence', async () => {
      const login = await postgresRoleLogin(server)
      const {
        name,
        rotate: rotateOnce,
        user,
        service,
      } = await rotated(login, JSON.stringify({ username: login.config.user, password: login.first }))
      const options = { target: login.target, generate, graceSeconds: 0 }
      for (const attempt of [1, 3]) {
        if (attempt === 1) expect(await rotate(service, name, options)).toMatchObject({ outcome: 'rotated', version: 2 })
        await rotateOnce()
        expect([await user(), (await service.getSecretValue(name)).version]).toEqual([login.config.user, attempt + 2])
        await client.cancelRotateSecret({ SecretId: name })
        expect(await rotate(service, name, options)).toMatchObject({ outcome: 'rotated', version: attempt + 3 })
        expect(await user()).toBe(login.config.user)
      }
    })
  })
})
