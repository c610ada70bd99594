import { localProvider, type LocalProvider } from '@finchat/secrets-provider-local'
import type { Contender, Task } from '../harness/scenario.ts'
import { allThree, ownStore, pathAt, spread, valueAt } from './local-work.ts'

const context = { signal: new AbortController().signal }

function opened({ setting }: Task, path: string): LocalProvider {
  return localProvider({ path, key: String(setting['key']) })
}

async function assertThere(provider: LocalProvider, index: number): Promise<void> {
  const secret = await provider.get(pathAt(index), context)
  if (secret?.value !== valueAt(index)) throw new Error('another value came back')
}

export const get: Contender = (task) => {
  const provider = opened(task, ownStore(task, 10_000))
  return { round: () => spread(task, 3_000, 10_000, (index) => assertThere(provider, index)), close: () => provider.close(context) }
}

function putting(provider: LocalProvider): (index: number) => Promise<unknown> {
  return (index) => provider.put(pathAt(index), { value: valueAt(index) }, context)
}

/** Writes into a store of so many secrets. */
export const putInto =
  (size: number): Contender =>
  (task) => {
    const provider = opened(task, ownStore(task, size))
    return { round: () => spread(task, 300, size, putting(provider)), close: () => provider.close(context) }
  }

/** All that a store does, by its size. */
export const allOf =
  (size: number): Contender =>
  (task) => {
    const path = ownStore(task, size)
    let provider = opened(task, path)
    /** Until the first secret has been read. */
    const openAnew = async (): Promise<void> => {
      provider = opened(task, path)
      await assertThere(provider, 0)
    }
    return {
      round: async () => {
        await provider.close(context)
        return allThree(task, size, {
          open: openAnew,
          get: (index) => assertThere(provider, index),
          put: (index) => putting(provider)(index),
        })
      },
      close: () => provider.close(context),
    }
  }
