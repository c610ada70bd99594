// A day of traffic on a manager, by a clock of its own: reads of many names, unknown ones among them, rotations, outages, slow answers and
// callers that give up. Prints what the process holds after six hours, when all that is bounded is full, and after 24.
import { getEventListeners } from 'node:events'
import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager, type SharedCache } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'

const [stepMs, hourMs] = [120_000, 3_600_000]
const startedAt = Date.now()
let passedMs = 0
Date.now = () => startedAt + passedMs

const names = Array.from({ length: 3_000 }, (_, index) => `name-${index}`)
const signals = new Set<AbortSignal>()

function store(name: string, isOut: () => boolean): SecretProvider {
  const memory = memoryProvider({ name, secrets: Object.fromEntries(names.map((each) => [each, `${each} of ${name}`])) })
  return {
    specificationVersion: 'v1',
    name,
    sharedAs: name,
    put: memory.put,
    getVersion: memory.getVersion,
    get: async (path, context) => {
      signals.add(context.signal)
      if (isOut()) throw new SecretsError('UNAVAILABLE', 'down')
      return path.startsWith('unknown') ? undefined : memory.get(path, context)
    },
  }
}

/** A shared cache that others empty all the time. */
const shared: SharedCache = {
  specificationVersion: 'v1',
  read: async () => ({ leaseToken: { turn: 1 } }),
  fill: async () => {},
  invalidate: async () => {},
}

/** Nobody looks at what comes of it. */
async function tried(call: Promise<unknown>): Promise<void> {
  await Promise.allSettled([call])
}

async function step(manager: SecretsManager, number: number, forever: AbortSignal): Promise<void> {
  const at = (factor: number): string => names[(number * factor) % names.length] ?? ''
  const reads = Array.from({ length: 20 }, (_, index) => manager.getSecret(at(index + 1)))
  const unknown = Array.from({ length: 60 }, (_, index) => manager.getSecret(`unknown-${number}-${index}`))
  await tried(Promise.allSettled([...reads, ...unknown, manager.getSecretValue(at(7), { signal: forever })]))
  await tried(manager.getSecrets([at(3), at(5), at(11)], { signal: forever }))
  await tried(manager.verifySecret(at(13), 'wrong', { acceptPreviousForSeconds: 60 }))
  await tried(manager.getSecret(at(17), { signal: AbortSignal.abort() }))
  if (number % 3 === 0) await tried(manager.rotateSecret(at(19), `rotated at ${number}`))
  if (number % 60 === 0) await tried(manager.checkHealth())
}

/** Importing `node:assert`, as the testkit does, opens `process.stderr`. */
const resourcesAtStart = process.getActiveResourcesInfo().length

/** What must not grow. */
async function held(forever: AbortSignal): Promise<Readonly<Record<string, number>>> {
  const listeners = [forever, ...signals].reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0)
  signals.clear()
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { heapUsed, external, arrayBuffers, listeners, resources: process.getActiveResourcesInfo().length - resourcesAtStart }
}

async function main(): Promise<void> {
  const isOut = (): boolean => passedMs % (3 * hourMs) < hourMs / 3
  const providers = [store('first', isOut), store('second', () => false)]
  const manager = createSecretsManager({ providers, cache: { shared } })
  const forever = new AbortController().signal
  const measured = []
  for (let number = 0; passedMs < 24 * hourMs; number += 1, passedMs += stepMs) {
    if (passedMs === 6 * hourMs) measured.push(await held(forever))
    await step(manager, number, forever)
  }
  measured.push(await held(forever))
  process.stdout.write(JSON.stringify(measured))
}

void main()
