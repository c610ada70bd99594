import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { Redis, type RedisOptions } from 'ioredis'

const isAuthError = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGPASS')
type Options = Omit<RedisOptions, 'replyMapping'>

/** A refused login would fail all queued commands, so a connection of its own tries the credential. */
export async function rotatingRedis(secrets: SecretsManager, name: string, options: Options): Promise<Redis> {
  const login = async (value: SecretValue): Promise<string> => {
    const trial = new Redis({ ...options, password: value.reveal(), lazyConnect: true, retryStrategy: () => null })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    trial.on('error', reject).connect().then(resolve, reject)
    await promise.finally(() => trial.disconnect())
    return value.reveal()
  }
  const redis = new Redis({ ...options, lazyConnect: true })
  const connect = redis.connect.bind(redis)
  redis.connect = async () => {
    const tried = useSecret(secrets, name, login, { isAuthError })
    Object.assign(redis.options, { password: await tried.catch(() => redis.options.password) })
    return connect()
  }
  return redis.connect().then(() => redis)
}
