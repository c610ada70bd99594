import { localProvider, type LocalProvider } from '@finchat/secrets-provider-local'
import { timed } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { ownStore, pathAt, spread, valueAt } from './local-work.ts'

const context = { signal: new AbortController().signal }

function opened({ setting }: Task, path: string): LocalProvider {
  return localProvider({ path, key: String(setting['key']) })
}

async function assertThere(provider: LocalProvider, index: number): Promise<void> {
  const secret = await provider.get(pathAt(index), context)
  if (secret?.value !== valueAt(index)) throw new Error('another value came back')
}

const getting =
  (size: number): Contender =>
  (task) => {
    const provider = opened(task, ownStore(task, size))
    return { round: () => spread(task, 3_000, size, (index) => assertThere(provider, index)), close: () => provider.close(context) }
  }

const putting =
  (size: number): Contender =>
  (task) => {
    const provider = opened(task, ownStore(task, size))
    const put = (index: number): Promise<unknown> => provider.put(pathAt(index), { value: valueAt(index) }, context)
    return { round: () => spread(task, 300, size, put), close: () => provider.close(context) }
  }

/** Until the first secret has been read. */
const opening =
  (size: number): Contender =>
  (task) => {
    const path = ownStore(task, size)
    const open = async (): Promise<void> => {
      const provider = opened(task, path)
      await assertThere(provider, 0)
      await provider.close(context)
    }
    return { round: () => timed(1, 'ms', open) }
  }

export const get: Contender = getting(10_000)
export const getOf100000: Contender = getting(100_000)
export const put: Contender = putting(10_000)
export const putOf100000: Contender = putting(100_000)
export const open: Contender = opening(10_000)
export const openOf100000: Contender = opening(100_000)
