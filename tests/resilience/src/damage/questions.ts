import { SecretsError } from '@finchat/secrets-core'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { context } from '../workload/observe.ts'
import { storeKeys } from '../workload/store-keys.ts'

/** What a store says to every question, in order: a value, `nothing`, or a code. */
export type Answers = readonly string[]

const questions: readonly ((provider: LocalProvider) => Promise<unknown>)[] = [
  ...['alpha', 'beta', 'withdrawn', 'never'].map(
    (name) => (provider: LocalProvider) => provider.get(name, context).then((secret) => secret?.value),
  ),
  ...[1, 2, 3, 40, 41].map(
    (version) => (provider: LocalProvider) => provider.getVersion('alpha', version, context).then((secret) => secret?.value),
  ),
  (provider) => provider.getVersion('alpha', 'previous', context).then((secret) => secret?.value),
  (provider) => provider.describe('alpha', context).then((secret) => JSON.stringify(secret?.tags)),
  listed,
]

async function listed(provider: LocalProvider): Promise<string> {
  let paths = ''
  for await (const { path } of provider.list('', context)) paths += `${path} `
  return paths
}

/** Codes that say that something is wrong, and do not say that a secret does not exist. */
const complaints: ReadonlySet<string> = new Set(['INTEGRITY', 'CONFIGURATION', 'UNAVAILABLE', 'PERMISSION_DENIED'])

/**
 * Opens the store and asks it everything. One that will not be opened has complained of everything.
 */
export async function answersOf(path: string): Promise<Answers> {
  const provider = localProvider({ path, keys: storeKeys(0), mustExist: true, lockTimeoutMs: 0 })
  try {
    const opened = await answer(provider.checkHealth(context))
    if (opened !== 'nothing') return questions.map(() => opened)
    const answers: string[] = []
    for (const question of questions) answers.push(await answer(question(provider)))
    return answers
  } finally {
    await provider.close()
  }
}

async function answer(call: Promise<unknown>): Promise<string> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') return settled.value === undefined ? 'nothing' : `= ${shown(settled.value)}`
  return SecretsError.isInstance(settled.reason) ? settled.reason.code : `a foreign error: ${String(settled.reason)}`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether each answer is that of one of the states, the same for all, or a complaint. */
export function areRight(answers: Answers, states: readonly Answers[]): boolean {
  return states.some((state) => answers.every((each, index) => each === state[index] || complaints.has(each)))
}

export function isComplaint(answers: Answers): boolean {
  return answers.some((each) => complaints.has(each))
}
