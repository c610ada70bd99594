import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { deadlineMs, names, ttlSeconds } from './orders.ts'

/* A process that is frozen while it waits for its store, and again while it holds a value. It stops itself; others let it go on. */
const calls = new Map<string, number>()
const thawed = Promise.withResolvers<void>()

const store: SecretProvider = {
  specificationVersion: 'v1',
  name: 'store',
  get: async (path) => {
    const count = (calls.get(path) ?? 0) + 1
    calls.set(path, count)
    // Half of the calls that the freeze meets are answered right after it, and half never: their
    // deadline has passed meanwhile.
    if (count === 1) await (names.indexOf(path) % 2 === 0 ? thawed.promise : new Promise(() => {}))
    return { value: `answer ${count}` }
  },
}
const weaker: SecretProvider = { specificationVersion: 'v1', name: 'weaker', get: async () => ({ value: 'of a weaker store' }) }

async function live(): Promise<void> {
  const manager = createSecretsManager({ providers: [store, weaker], deadlineMs, cache: { ttlSeconds } })
  const asked = names.map((name) => seen(manager, name))
  while (calls.size < names.length) await new Promise((resolve) => setImmediate(resolve)) // until the store is asked
  freeze()
  thawed.resolve()
  const first = await Promise.all(asked)
  freeze()
  const second = await Promise.all(names.map((name) => seen(manager, name)))
  say({ first, second, calls: Object.fromEntries(calls) })
  await manager.close()
}

async function seen(manager: SecretsManager, name: string): Promise<object> {
  const value = await manager.getSecretValue(name)
  return { value: value.reveal(), provider: value.provider, stale: value.stale, degraded: value.degraded }
}

function freeze(): void {
  say('frozen')
  process.kill(process.pid, 'SIGSTOP')
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

void live()
